import random
from collections import deque, namedtuple
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

Transition = namedtuple("Transition", "state action reward next_state done")
BUFFER_SIZE = 200
BATCH_SIZE = 16
GAMMA = 0.95
TAU = 0.05
LR = 5e-3


class Corridor:
    def __init__(self, seed):
        self.rng = np.random.RandomState(seed)

    def reset(self):
        self.x, self.t = self.rng.uniform(-1, 1), 0
        return np.array([self.x, 0.0], dtype=np.float32)

    def step(self, action):
        self.x += 0.2 * (action - 1) + self.rng.normal(0, 0.02)
        self.t += 1
        done = abs(self.x) > 1.5 or self.t >= 12
        return np.array([self.x, self.t / 12], dtype=np.float32), float(1 - abs(self.x)), done


class QNetwork(nn.Module):
    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.fc1 = nn.Linear(2, 16)
        self.fc2 = nn.Linear(16, 3)

    def forward(self, state):
        return self.fc2(F.relu(self.fc1(state)))


class Agent:
    def __init__(self, seed):
        self.qnetwork_local = QNetwork(seed)
        self.qnetwork_target = QNetwork(seed)
        self.optimizer = optim.Adam(self.qnetwork_local.parameters(), lr=LR)
        self.memory = deque(maxlen=BUFFER_SIZE)

    def step(self, *experience):
        self.memory.append(Transition(*experience))
        if len(self.memory) > BATCH_SIZE:
            self.learn(random.sample(self.memory, k=BATCH_SIZE))

    def act(self, state, eps):
        self.qnetwork_local.eval()
        with torch.no_grad():
            values = self.qnetwork_local(torch.from_numpy(state).unsqueeze(0))
        self.qnetwork_local.train()
        return int(values.argmax()) if random.random() > eps else random.randrange(3)

    def learn(self, batch):
        states, actions, rewards, next_states, dones = (torch.tensor(np.array(c)) for c in zip(*batch))
        q_next = self.qnetwork_target(next_states).detach().max(1)[0]
        q_targets = rewards.float() + GAMMA * q_next * (1 - dones.float())
        q_expected = self.qnetwork_local(states).gather(1, actions.unsqueeze(1)).squeeze(1)
        td_loss = F.mse_loss(q_expected, q_targets)
        self.optimizer.zero_grad()
        td_loss.backward()
        self.optimizer.step()
        for target, local in zip(self.qnetwork_target.parameters(), self.qnetwork_local.parameters()):
            target.data.copy_(TAU * local.data + (1.0 - TAU) * target.data)


def dqn(n_episodes=15, eps_start=1.0, eps_end=0.05, eps_decay=0.9):
    scores = []
    scores_window = deque(maxlen=5)
    eps = eps_start
    for i_episode in range(1, n_episodes + 1):
        state = env.reset()
        score = 0
        while True:
            action = agent.act(state, eps)
            next_state, reward, done = env.step(action)
            agent.step(state, action, reward, next_state, done)
            state = next_state
            score += reward
            if done:
                break
        scores_window.append(score)
        scores.append(score)
        eps = max(eps_end, eps_decay * eps)
        print('\rEpisode {}\tAverage Score: {:.2f}'.format(i_episode, np.mean(scores_window)), end="")
        if i_episode % 5 == 0:
            print('\rEpisode {}\tAverage Score: {:.2f}\tEps: {:.4f}'.format(i_episode, np.mean(scores_window), eps))
    torch.save(agent.qnetwork_local.state_dict(), 'checkpoint.pth')
    return scores


env = Corridor(2)
agent = Agent(seed=0)
scores = dqn()
print("scores", [round(s, 6) for s in scores])
