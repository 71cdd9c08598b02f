"""Trains, stops, and goes on from the checkpoint with the same loop."""
import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CHECKPOINT = "checkpoint.tar"


def main(until):
    torch.manual_seed(0)
    x = torch.randn(120, 3)
    loader = DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=20)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    first = 0
    if os.path.isfile(CHECKPOINT):
        checkpoint = torch.load(CHECKPOINT)
        model.load_state_dict(checkpoint["state_dict"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        first = checkpoint["epoch"]
        print("=> loaded checkpoint (epoch {})".format(first))
    for epoch in range(first, until):
        for data, target in loader:
            loss = nn.functional.mse_loss(model(data), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print("epoch", epoch, "loss", loss.item())
        torch.save({"epoch": epoch + 1, "state_dict": model.state_dict(), "optimizer": optimizer.state_dict()}, CHECKPOINT)


main(2)
main(4)
