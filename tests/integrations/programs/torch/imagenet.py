"""The ImageNet example in small: top-k accuracies in meters, values per epoch in lists."""
import math
from enum import Enum
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

best_acc1 = 0


class Summary(Enum):
    NONE = 0
    AVERAGE = 1


class AverageMeter(object):
    """Computes and stores the average and current value"""
    def __init__(self, name, fmt=':f', summary_type=Summary.AVERAGE):
        self.name = name
        self.fmt = fmt
        self.summary_type = summary_type
        self.reset()

    def reset(self):
        self.val = 0
        self.avg = 0
        self.sum = 0
        self.count = 0

    def update(self, val, n=1):
        self.val = val
        self.sum += val * n
        self.count += n
        self.avg = self.sum / self.count

    def __str__(self):
        fmtstr = '{name} {val' + self.fmt + '} ({avg' + self.fmt + '})'
        return fmtstr.format(**self.__dict__)

    def summary(self):
        return '{name} {avg:.6f}'.format(**self.__dict__)


class ProgressMeter(object):
    def __init__(self, num_batches, meters, prefix=""):
        self.meters = meters
        self.prefix = prefix

    def display(self, batch):
        print('\t'.join([self.prefix + str(batch)] + [str(meter) for meter in self.meters]))

    def display_summary(self):
        print(' '.join([" *"] + [meter.summary() for meter in self.meters]))


def accuracy(output, target, topk=(1,)):
    """Computes the accuracy over the k top predictions for the specified values of k"""
    with torch.no_grad():
        maxk = max(topk)
        batch_size = target.size(0)
        _, pred = output.topk(maxk, 1, True, True)
        pred = pred.t()
        correct = pred.eq(target.view(1, -1).expand_as(pred))
        res = []
        for k in topk:
            correct_k = correct[:k].reshape(-1).float().sum(0, keepdim=True)
            res.append(correct_k.mul_(100.0 / batch_size))
        return res


def train(train_loader, model, criterion, optimizer, epoch):
    losses = AverageMeter('Loss', ':.4e')
    top1 = AverageMeter('Acc@1', ':6.2f')
    top5 = AverageMeter('Acc@5', ':6.2f')
    progress = ProgressMeter(len(train_loader), [losses, top1, top5], prefix="Epoch: [{}]".format(epoch))
    model.train()
    for i, (images, target) in enumerate(train_loader):
        output = model(images)
        loss = criterion(output, target)
        acc1, acc5 = accuracy(output, target, topk=(1, 5))
        losses.update(loss.item(), images.size(0))
        top1.update(acc1[0], images.size(0))
        top5.update(acc5[0], images.size(0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if i % 2 == 0:
            progress.display(i + 1)
    print('trained {:.6f} {:.6f} {:.6f}'.format(losses.avg, top1.avg, top5.avg))


def validate(val_loader, model, criterion):
    losses = AverageMeter('Loss', ':.4e')
    top1 = AverageMeter('Acc@1', ':6.2f')
    top5 = AverageMeter('Acc@5', ':6.2f')
    progress = ProgressMeter(len(val_loader), [losses, top1, top5], prefix='Test: ')
    model.eval()
    with torch.no_grad():
        for i, (images, target) in enumerate(val_loader):
            output = model(images)
            loss = criterion(output, target)
            acc1, acc5 = accuracy(output, target, topk=(1, 5))
            losses.update(loss.item(), images.size(0))
            top1.update(acc1[0], images.size(0))
            top5.update(acc5[0], images.size(0))
    progress.display_summary()
    return top1.avg


def main():
    global best_acc1
    torch.manual_seed(5)
    x = torch.randn(260, 8)
    data = TensorDataset(x, x.argmax(1))
    train_set, val_set = torch.utils.data.random_split(data, [200, 60])
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=25)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    for epoch in range(3):
        train(train_loader, model, criterion, optimizer, epoch)
        acc1 = validate(val_loader, model, criterion)
        best_acc1 = max(acc1, best_acc1)
    print('best', float(best_acc1))


def f1_from(tp, fp, fn):
    precision = tp / (tp + fp) if tp + fp else 0.0
    recall = tp / (tp + fn) if tp + fn else 0.0
    if precision + recall == 0:
        return 0.0
    return 2 * precision * recall / (precision + recall)


class Meter:
    def __init__(self):
        self.total, self.n = 0.0, 0

    def add(self, value, count):
        self.total += value * count
        self.n += count

    @property
    def mean(self):
        return self.total / self.n


def binary():
    torch.manual_seed(6)
    x = torch.randn(150, 4)
    y = (x[:, 0] - x[:, 1] > 0.2).long()
    loader = DataLoader(TensorDataset(x[:100], y[:100]), batch_size=20)
    held_out = DataLoader(TensorDataset(x[100:], y[100:]), batch_size=20)
    net = nn.Linear(4, 2)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    history = {'train_loss': [], 'val_acc': [], 'val_f1': [], 'val_ppl': []}
    for epoch in range(3):
        net.train()
        batch_losses = []
        meter = Meter()
        for inputs, labels in loader:
            loss = nn.functional.cross_entropy(net(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            batch_losses.append(loss.item())
            meter.add(loss.item(), len(labels))
        history['train_loss'].append(np.mean(batch_losses))
        train_mean = meter.mean
        net.eval()
        tp = fp = fn = correct = total = 0
        nll = 0.0
        with torch.no_grad():
            for inputs, labels in held_out:
                outputs = net(inputs)
                predicted = outputs.argmax(1)
                nll += nn.functional.cross_entropy(outputs, labels, reduction='sum').item()
                tp += ((predicted == 1) & (labels == 1)).sum().item()
                fp += ((predicted == 1) & (labels == 0)).sum().item()
                fn += ((predicted == 0) & (labels == 1)).sum().item()
                correct += predicted.eq(labels).sum().item()
                total += labels.size(0)
        history['val_acc'].append(100. * correct / total)
        history['val_f1'].append(f1_from(tp, fp, fn))
        history['val_ppl'].append(math.exp(nll / total))
        print('epoch %d mean %.8f meter %.8f acc %.4f f1 %.8f ppl %.8f' % (
            epoch, history['train_loss'][-1], train_mean, history['val_acc'][-1], history['val_f1'][-1], history['val_ppl'][-1]))


if __name__ == '__main__':
    main()
    binary()
