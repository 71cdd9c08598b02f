"""Everything is written to TensorBoard, with metrics of torchmetrics."""
import tempfile
import torch
import torchmetrics
from tensorboardX import SummaryWriter
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import BinaryAccuracy, BinaryF1Score

torch.manual_seed(7)
hparams = {'lr': 0.1, 'bsize': 20, 'optim': 'sgd'}
x = torch.randn(80, 4)
y = (x[:, 0] > 0).float()
train_loader = DataLoader(TensorDataset(x[:60], y[:60]), batch_size=hparams['bsize'], shuffle=True)
valid_loader = DataLoader(TensorDataset(x[60:], y[60:]), batch_size=hparams['bsize'])
writer = SummaryWriter(tempfile.mkdtemp())
writer.add_text('note', 'a first try')
writer.add_scalar('data/positives', y.mean(), 0)
model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 1), nn.Flatten(0))
optimizer = torch.optim.SGD(model.parameters(), lr=hparams['lr'])
criterion = nn.BCEWithLogitsLoss()
train_acc = BinaryAccuracy()
metrics = torchmetrics.MetricCollection({'acc': BinaryAccuracy(), 'f1': BinaryF1Score()}, prefix='valid_')
global_step = 0
for epoch in range(3):
    model.train()
    for xb, yb in train_loader:
        out = model(xb)
        loss = criterion(out, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_acc(out, yb)
        writer.add_scalar('Loss/train', loss.item(), global_step)
        global_step += 1
        print('batch %.9f' % loss.item())
    print('train acc %.6f' % train_acc.compute())
    writer.add_scalar('Accuracy/train', train_acc.compute(), epoch)
    train_acc.reset()
    model.eval()
    with torch.no_grad():
        for xb, yb in valid_loader:
            metrics.update(model(xb), yb)
    result = metrics.compute()
    metrics.reset()
    writer.add_scalars('valid', {'acc': result['valid_acc'], 'f1': result['valid_f1']}, epoch)
    writer.add_image('weights', model[0].weight.detach().abs().clamp(0, 1)[None], epoch)
    print('valid acc %.6f f1 %.6f' % (result['valid_acc'], result['valid_f1']))
writer.add_hparams(hparams, {'hparam/valid_f1': result['valid_f1']})
writer.close()
