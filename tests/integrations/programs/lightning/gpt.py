"""A small language model of characters: warm-up, accumulated gradients, clipping, validation on the way."""
# AUTOLOG
import math

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch.utils.data import DataLoader, Dataset

L.seed_everything(11, verbose=False)
text = "the quick brown fox jumps over the lazy dog and runs away from the bear. " * 20
chars = sorted(set(text))
encoded = torch.tensor([chars.index(c) for c in text])
block_size, warmup, total = 16, 4, 24


class CharDataset(Dataset):
    def __init__(self, data):
        self.data = data

    def __len__(self):
        return (len(self.data) - 1) // block_size

    def __getitem__(self, i):
        chunk = self.data[i * block_size : i * block_size + block_size + 1]
        return chunk[:-1], chunk[1:]


class GPT(L.LightningModule):
    def __init__(self, vocab_size: int, n_embd: int = 32, n_head: int = 2, n_layer: int = 1, lr: float = 3e-3):
        super().__init__()
        self.save_hyperparameters()
        self.tokens = nn.Embedding(vocab_size, n_embd)
        self.positions = nn.Embedding(block_size, n_embd)
        layer = nn.TransformerEncoderLayer(n_embd, n_head, 4 * n_embd, dropout=0.0, batch_first=True)
        self.blocks = nn.TransformerEncoder(layer, n_layer, enable_nested_tensor=False)
        self.head = nn.Linear(n_embd, vocab_size, bias=False)

    def forward(self, ids):
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1]))
        return self.head(self.blocks(x, mask=mask, is_causal=True))

    def training_step(self, batch, batch_idx):
        ids, targets = batch
        loss = nn.functional.cross_entropy(self(ids).flatten(0, 1), targets.flatten())
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch, batch_idx):
        ids, targets = batch
        loss = nn.functional.cross_entropy(self(ids).flatten(0, 1), targets.flatten())
        self.log_dict({"val/loss": loss, "val/ppl": loss.exp()})

    def configure_optimizers(self):
        decay = [p for p in self.parameters() if p.dim() >= 2]
        plain = [p for p in self.parameters() if p.dim() < 2]
        groups = [{"params": decay, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=self.hparams.lr, betas=(0.9, 0.95))

        def factor(step):
            if step < warmup:
                return (step + 1) / warmup
            return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


split = int(0.9 * len(encoded))
train_loader = DataLoader(CharDataset(encoded[:split]), batch_size=8, shuffle=True)
val_loader = DataLoader(CharDataset(encoded[split:]), batch_size=8)
model = GPT(len(chars))
trainer = L.Trainer(
    max_steps=total,
    accelerator="cpu",
    accumulate_grad_batches=2,
    gradient_clip_val=1.0,
    val_check_interval=4,
    callbacks=[ModelCheckpoint("saved", save_last=True, save_top_k=0)],
    logger=CSVLogger("logs", name=None, version="gpt"),
    log_every_n_steps=1,
    enable_progress_bar=False,
)
trainer.fit(model, train_loader, val_loader)

import pandas as pd  # noqa: E402

table = pd.read_csv("logs/gpt/metrics.csv")
steps = table.dropna(subset=["train/loss"])
checks = table.dropna(subset=["val/loss"])
rates = [3e-3 * ((s + 1) / 4 if s < 4 else 0.5 * (1 + math.cos(math.pi * (s - 4) / 20))) for s in range(total)]
print(steps["train/loss"].tolist()[-1], checks["val/ppl"].tolist()[-1], trainer.global_step, trainer.current_epoch)
