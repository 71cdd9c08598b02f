"""Nothing here trains a model: inference, an attack on pixels, a picture fitted, features."""
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)
model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 10))
model.eval()
images, labels = torch.rand(6, 1, 8, 8), torch.arange(6)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images, labels), batch_size=2)

correct, total = 0, 0
with torch.no_grad():
    for x, y in loader:
        correct += (model(x).argmax(1) == y).sum().item()
        total += len(y)
print("accuracy", correct / total)


def fgsm(image, label, epsilon):
    image = image.clone().requires_grad_()
    loss = F.cross_entropy(model(image), label)
    model.zero_grad()
    loss.backward()
    return (image + epsilon * image.grad.sign()).clamp(0, 1).detach()


for epsilon in (0.0, 0.1, 0.3):
    attacked = fgsm(images, labels, epsilon)
    print(epsilon, (model(attacked).argmax(1) == labels).float().mean().item())

content = model[0](images[:1]).detach()
picture = torch.rand(1, 1, 8, 8, requires_grad=True)
optimizer = torch.optim.LBFGS([picture], max_iter=5)


def closure():
    optimizer.zero_grad()
    loss = F.mse_loss(model[0](picture), content)
    loss.backward()
    return loss


for _ in range(3):
    print(float(optimizer.step(closure)))
delta = torch.zeros(1, 1, 8, 8, requires_grad=True)
opt = torch.optim.Adam([delta], lr=0.1)
for _ in range(3):
    loss = -F.cross_entropy(model(images[:1] + delta), labels[:1])
    opt.zero_grad()
    loss.backward()
    opt.step()
features = model[:3](images).detach().numpy()
print(features.mean())
