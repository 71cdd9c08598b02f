"""Segmentation with a sum of two losses and a Dice score."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, random_split


class Circles(Dataset):
    def __init__(self, n):
        g = torch.Generator().manual_seed(4)
        self.centres = torch.rand(n, 2, generator=g) * 8 + 4
        self.noise = torch.randn(n, 1, 16, 16, generator=g) * 0.3

    def __len__(self):
        return len(self.centres)

    def __getitem__(self, i):
        y, x = torch.meshgrid(torch.arange(16.), torch.arange(16.), indexing='ij')
        mask = (((y - self.centres[i, 0]) ** 2 + (x - self.centres[i, 1]) ** 2) < 12).float()[None]
        return {'image': mask + self.noise[i], 'mask': mask}


class UNet(nn.Module):
    def __init__(self, width=6):
        super().__init__()
        self.down = nn.Conv2d(1, width, 3, padding=1)
        self.bottom = nn.Conv2d(width, width, 3, padding=1)
        self.out = nn.Conv2d(2 * width, 1, 1)

    def forward(self, x):
        a = F.relu(self.down(x))
        b = F.relu(self.bottom(F.max_pool2d(a, 2)))
        return self.out(torch.cat([a, F.interpolate(b, scale_factor=2)], 1))


def dice_coeff(pred, target, eps=1e-6):
    inter = 2 * (pred * target).sum(dim=(-1, -2))
    return ((inter + eps) / (pred.sum(dim=(-1, -2)) + target.sum(dim=(-1, -2)) + eps)).mean()


def dice_loss(pred, target):
    return 1 - dice_coeff(pred, target)


@torch.inference_mode()
def evaluate(net, dataloader):
    net.eval()
    num_val_batches = len(dataloader)
    dice_score = 0
    for batch in dataloader:
        mask_pred = (torch.sigmoid(net(batch['image'])) > 0.5).float()
        dice_score += dice_coeff(mask_pred, batch['mask'])
    net.train()
    return dice_score / max(num_val_batches, 1)


def train_net(net, epochs=3, batch_size=8, learning_rate=5e-2, val_percent=0.2):
    dataset = Circles(60)
    n_val = int(len(dataset) * val_percent)
    n_train = len(dataset) - n_val
    train_set, val_set = random_split(dataset, [n_train, n_val], generator=torch.Generator().manual_seed(0))
    train_loader = DataLoader(train_set, shuffle=True, batch_size=batch_size)
    val_loader = DataLoader(val_set, shuffle=False, drop_last=True, batch_size=batch_size)
    optimizer = torch.optim.RMSprop(net.parameters(), lr=learning_rate, weight_decay=1e-8, momentum=0.5)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, 'max', patience=1)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(1, epochs + 1):
        net.train()
        epoch_loss = 0
        for batch in train_loader:
            images, true_masks = batch['image'], batch['mask']
            masks_pred = net(images)
            loss = criterion(masks_pred, true_masks)
            loss += dice_loss(torch.sigmoid(masks_pred), true_masks)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item()
            print(f"batch loss {loss.item():.7f}")
        val_score = evaluate(net, val_loader)
        scheduler.step(val_score)
        print(f'Validation Dice score: {val_score:.5f}, epoch loss {epoch_loss:.5f}')
    torch.save(net.state_dict(), f'checkpoint_epoch{epoch}.pth')


if __name__ == '__main__':
    torch.manual_seed(0)
    net = UNet()
    train_net(net)
