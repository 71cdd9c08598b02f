import numpy as np
import torch
import torch.nn as nn
from sklearn.model_selection import KFold
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset


class SimpleMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 2))

    def forward(self, x):
        return self.layers(x)


def reset_weights(m):
    for layer in m.children():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()


k_folds = 3
num_epochs = 2
loss_function = nn.CrossEntropyLoss()
results = {}
torch.manual_seed(42)
features = torch.randn(90, 6)
dataset = TensorDataset(features, (features[:, 0] > 0.2).long())
kfold = KFold(n_splits=k_folds, shuffle=True, random_state=0)
for fold, (train_ids, test_ids) in enumerate(kfold.split(np.arange(len(dataset)))):
    print(f"FOLD {fold}")
    trainloader = DataLoader(dataset, batch_size=10, sampler=SubsetRandomSampler(train_ids))
    testloader = DataLoader(dataset, batch_size=10, sampler=SubsetRandomSampler(test_ids))
    network = SimpleMLP()
    network.apply(reset_weights)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for epoch in range(0, num_epochs):
        current_loss = 0.0
        for i, data in enumerate(trainloader, 0):
            inputs, targets = data
            optimizer.zero_grad()
            outputs = network(inputs)
            loss = loss_function(outputs, targets)
            loss.backward()
            optimizer.step()
            current_loss += loss.item()
            if i % 3 == 2:
                print("Loss after mini-batch %5d: %.3f" % (i + 1, current_loss / 3))
                current_loss = 0.0
    torch.save(network.state_dict(), f"./model-fold-{fold}.pth")
    correct, total = 0, 0
    with torch.no_grad():
        for i, data in enumerate(testloader, 0):
            inputs, targets = data
            outputs = network(inputs)
            _, predicted = torch.max(outputs.data, 1)
            total += targets.size(0)
            correct += (predicted == targets).sum().item()
        print("Accuracy for fold %d: %d %%" % (fold, 100.0 * correct / total))
        results[fold] = 100.0 * (correct / total)
print(f"K-FOLD CROSS VALIDATION RESULTS FOR {k_folds} FOLDS")
sum = 0.0
for key, value in results.items():
    print(f"Fold {key}: {value} %")
    sum += value
print(f"Average: {sum / len(results.items())} %")
