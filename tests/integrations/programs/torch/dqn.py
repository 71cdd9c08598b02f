import math, random
from collections import namedtuple, deque
from itertools import count
import torch, torch.nn as nn, torch.optim as optim, torch.nn.functional as F
random.seed(0); torch.manual_seed(0)
Transition = namedtuple('Transition', ('state', 'action', 'next_state', 'reward'))
class Env:
    def reset(self): self.x = 0; self.t = 0; return [0.0, 0.0]
    def step(self, a):
        self.x += 1 if a else -1; self.t += 1
        return [self.x / 5, self.t / 20], 1.0 if a else 0.0, abs(self.x) >= 5, self.t >= 20
class ReplayMemory(object):
    def __init__(self, capacity): self.memory = deque([], maxlen=capacity)
    def push(self, *args): self.memory.append(Transition(*args))
    def sample(self, batch_size): return random.sample(self.memory, batch_size)
    def __len__(self): return len(self.memory)
class DQN(nn.Module):
    def __init__(self, n_observations, n_actions):
        super().__init__()
        self.layer1 = nn.Linear(n_observations, 32)
        self.layer3 = nn.Linear(32, n_actions)
    def forward(self, x): return self.layer3(F.relu(self.layer1(x)))
BATCH_SIZE = 16
GAMMA = 0.99
EPS_START = 0.9
EPS_END = 0.05
EPS_DECAY = 100
TAU = 0.005
LR = 1e-3
env = Env()
policy_net = DQN(2, 2)
target_net = DQN(2, 2)
target_net.load_state_dict(policy_net.state_dict())
optimizer = optim.AdamW(policy_net.parameters(), lr=LR, amsgrad=True)
memory = ReplayMemory(1000)
steps_done = 0
def select_action(state):
    global steps_done
    eps_threshold = EPS_END + (EPS_START - EPS_END) * math.exp(-1. * steps_done / EPS_DECAY)
    steps_done += 1
    if random.random() > eps_threshold:
        with torch.no_grad():
            return policy_net(state).max(1).indices.view(1, 1)
    return torch.tensor([[random.randrange(2)]], dtype=torch.long)
episode_durations = []
def optimize_model():
    if len(memory) < BATCH_SIZE:
        return
    transitions = memory.sample(BATCH_SIZE)
    batch = Transition(*zip(*transitions))
    non_final_mask = torch.tensor(tuple(map(lambda s: s is not None, batch.next_state)), dtype=torch.bool)
    non_final_next_states = torch.cat([s for s in batch.next_state if s is not None])
    state_batch = torch.cat(batch.state); action_batch = torch.cat(batch.action); reward_batch = torch.cat(batch.reward)
    state_action_values = policy_net(state_batch).gather(1, action_batch)
    next_state_values = torch.zeros(BATCH_SIZE)
    with torch.no_grad():
        next_state_values[non_final_mask] = target_net(non_final_next_states).max(1).values
    expected_state_action_values = (next_state_values * GAMMA) + reward_batch
    criterion = nn.SmoothL1Loss()
    loss = criterion(state_action_values, expected_state_action_values.unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
    optimizer.step()
num_episodes = 15
for i_episode in range(num_episodes):
    state = torch.tensor(env.reset(), dtype=torch.float32).unsqueeze(0)
    episode_reward = 0.0
    for t in count():
        action = select_action(state)
        observation, reward, terminated, truncated = env.step(action.item())
        episode_reward += reward
        reward = torch.tensor([reward])
        done = terminated or truncated
        next_state = None if terminated else torch.tensor(observation, dtype=torch.float32).unsqueeze(0)
        memory.push(state, action, next_state, reward)
        state = next_state
        optimize_model()
        tsd = target_net.state_dict(); psd = policy_net.state_dict()
        for key in psd: tsd[key] = psd[key]*TAU + tsd[key]*(1-TAU)
        target_net.load_state_dict(tsd)
        if done:
            episode_durations.append(t + 1)
            print(i_episode, t + 1, episode_reward)
            break
print('Complete')
