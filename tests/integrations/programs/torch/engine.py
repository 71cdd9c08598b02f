"""Kaggle style: CFG class, AverageMeter, train_fn / valid_fn, logger, best score saved."""
import os, random, logging, sys
import numpy as np, torch, torch.nn as nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import Dataset, DataLoader
from sklearn.model_selection import StratifiedKFold
from sklearn.metrics import f1_score, accuracy_score
from sklearn.datasets import load_digits
class CFG:
    seed = 42
    n_fold = 3
    trn_fold = [0, 1]
    epochs = 2
    lr = 5e-3
    min_lr = 1e-5
    weight_decay = 1e-4
    batch_size = 64
    max_grad_norm = 10
    print_freq = 10
    model_name = 'mlp'
def seed_everything(seed):
    random.seed(seed); np.random.seed(seed); torch.manual_seed(seed)
seed_everything(CFG.seed)
LOGGER = logging.getLogger(__name__); LOGGER.setLevel(logging.INFO); h = logging.StreamHandler(sys.stdout); LOGGER.addHandler(h)
class AverageMeter(object):
    def __init__(self): self.reset()
    def reset(self):
        self.val = 0; self.avg = 0; self.sum = 0; self.count = 0
    def update(self, val, n=1):
        self.val = val; self.sum += val * n; self.count += n; self.avg = self.sum / self.count
class TrainDataset(Dataset):
    def __init__(self, X, y): self.X = X; self.y = y
    def __len__(self): return len(self.X)
    def __getitem__(self, i): return torch.tensor(self.X[i], dtype=torch.float32) / 16, torch.tensor(self.y[i])
class CustomModel(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.fc1 = nn.Linear(64, 32); self.drop = nn.Dropout(0.2); self.fc2 = nn.Linear(32, 10)
    def forward(self, x): return self.fc2(self.drop(torch.relu(self.fc1(x))))
def train_fn(train_loader, model, criterion, optimizer, epoch, scheduler, device):
    losses = AverageMeter()
    model.train()
    for step, (x, y) in enumerate(train_loader):
        x = x.to(device); y = y.to(device)
        loss = criterion(model(x), y)
        losses.update(loss.item(), y.size(0))
        loss.backward()
        grad_norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CFG.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        if step % CFG.print_freq == 0 or step == (len(train_loader) - 1):
            print('Epoch: [{0}][{1}/{2}] Loss: {loss.val:.4f}({loss.avg:.4f}) Grad: {grad_norm:.4f} LR: {lr:.6f}'.format(epoch + 1, step, len(train_loader), loss=losses, grad_norm=grad_norm, lr=scheduler.get_last_lr()[0]))
    scheduler.step()
    return losses.avg
def valid_fn(valid_loader, model, criterion, device):
    losses = AverageMeter()
    model.eval()
    preds = []
    for step, (x, y) in enumerate(valid_loader):
        with torch.no_grad():
            y_preds = model(x)
        loss = criterion(y_preds, y)
        losses.update(loss.item(), y.size(0))
        preds.append(y_preds.softmax(1).numpy())
    return losses.avg, np.concatenate(preds)
def train_loop(X, y, fold, trn_idx, val_idx):
    LOGGER.info(f"========== fold: {fold} training ==========")
    train_loader = DataLoader(TrainDataset(X[trn_idx], y[trn_idx]), batch_size=CFG.batch_size, shuffle=True, drop_last=True)
    valid_loader = DataLoader(TrainDataset(X[val_idx], y[val_idx]), batch_size=CFG.batch_size * 2, shuffle=False)
    device = torch.device('cpu')
    model = CustomModel(CFG)
    optimizer = AdamW(model.parameters(), lr=CFG.lr, weight_decay=CFG.weight_decay)
    scheduler = CosineAnnealingLR(optimizer, T_max=CFG.epochs, eta_min=CFG.min_lr)
    criterion = nn.CrossEntropyLoss()
    best_score = 0.
    for epoch in range(CFG.epochs):
        avg_loss = train_fn(train_loader, model, criterion, optimizer, epoch, scheduler, device)
        avg_val_loss, preds = valid_fn(valid_loader, model, criterion, device)
        score = f1_score(y[val_idx], preds.argmax(1), average='macro')
        LOGGER.info(f'Epoch {epoch+1} - avg_train_loss: {avg_loss:.4f}  avg_val_loss: {avg_val_loss:.4f}')
        LOGGER.info(f'Epoch {epoch+1} - Score: {score:.4f}')
        if score > best_score:
            best_score = score
            LOGGER.info(f'Epoch {epoch+1} - Save Best Score: {best_score:.4f} Model')
            torch.save({'model': model.state_dict(), 'preds': preds}, f'{CFG.model_name}_fold{fold}_best.pth')
    return torch.load(f'{CFG.model_name}_fold{fold}_best.pth', weights_only=False)['preds']
def main():
    X, y = load_digits(return_X_y=True)
    oof = np.zeros((len(X), 10))
    for fold, (trn_idx, val_idx) in enumerate(StratifiedKFold(n_splits=CFG.n_fold, shuffle=True, random_state=CFG.seed).split(X, y)):
        if fold in CFG.trn_fold:
            oof[val_idx] = train_loop(X, y, fold, trn_idx, val_idx)
    mask = oof.sum(1) > 0
    cv = accuracy_score(y[mask], oof[mask].argmax(1))
    LOGGER.info(f'CV: {cv:.4f}')
main()
