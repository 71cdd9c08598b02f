"""Cross-validation: a new network for each fold."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

torch.manual_seed(42)
k_folds = 3
num_epochs = 2
loss_function = nn.CrossEntropyLoss()
results = {}
X = torch.randn(150, 5)
dataset = TensorDataset(X, (X[:, 0] * X[:, 1] > 0).long())


class SimpleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, 20), nn.Tanh(), nn.Linear(20, 2))

    def forward(self, x):
        return self.layers(x)


def reset_weights(m):
    for layer in m.children():
        if hasattr(layer, 'reset_parameters'):
            layer.reset_parameters()


indices = torch.randperm(150)
for fold in range(k_folds):
    print(f'FOLD {fold}')
    test_ids = indices[fold * 50:(fold + 1) * 50]
    train_ids = torch.cat([indices[:fold * 50], indices[(fold + 1) * 50:]])
    trainloader = DataLoader(Subset(dataset, train_ids.tolist()), batch_size=10)
    testloader = DataLoader(Subset(dataset, test_ids.tolist()), batch_size=10)
    network = SimpleNet()
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
            if i % 5 == 4:
                print('Loss after mini-batch %5d: %.3f' % (i + 1, current_loss / 5))
                current_loss = 0.0
    torch.save(network.state_dict(), f'./model-fold-{fold}.pth')
    correct, total = 0, 0
    with torch.no_grad():
        for i, data in enumerate(testloader, 0):
            inputs, targets = data
            outputs = network(inputs)
            _, predicted = torch.max(outputs.data, 1)
            total += targets.size(0)
            correct += (predicted == targets).sum().item()
        accuracy = 100.0 * correct / total
        print('Accuracy for fold %d: %.2f %%' % (fold, accuracy))
        results[fold] = accuracy
print(f'Average: {sum(results.values()) / len(results)} %')
