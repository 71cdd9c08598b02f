"""A recurrent language model, with batches cut by hand and gradients clipped."""
import math
import torch
import torch.nn as nn

torch.manual_seed(3)
text = torch.arange(2400).remainder(7) + torch.randint(0, 3, (2400,))
ntokens, bptt, clip, epochs = 10, 12, 0.25, 3


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    return data.narrow(0, 0, nbatch * bsz).view(bsz, -1).t().contiguous()


train_data = batchify(text[:2000], 10)
val_data = batchify(text[2000:2200], 5)
test_data = batchify(text[2200:], 5)


class RNNModel(nn.Module):
    def __init__(self, ntoken, ninp, nhid):
        super().__init__()
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid)
        self.decoder = nn.Linear(nhid, ntoken)

    def forward(self, input, hidden=None):
        output, hidden = self.rnn(self.encoder(input), hidden)
        return self.decoder(output).view(-1, ntokens), hidden


model = RNNModel(ntokens, 8, 16)
criterion = nn.CrossEntropyLoss()


def repackage_hidden(h):
    return tuple(v.detach() for v in h)


def get_batch(source, i):
    seq_len = min(bptt, len(source) - 1 - i)
    return source[i:i + seq_len], source[i + 1:i + 1 + seq_len].reshape(-1)


def evaluate(data_source):
    model.eval()
    total_loss = 0.
    hidden = None
    with torch.no_grad():
        for i in range(0, data_source.size(0) - 1, bptt):
            data, targets = get_batch(data_source, i)
            output, hidden = model(data, hidden)
            hidden = repackage_hidden(hidden)
            total_loss += len(data) * criterion(output, targets).item()
    return total_loss / (len(data_source) - 1)


optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)


def train():
    model.train()
    hidden = None
    for batch, i in enumerate(range(0, train_data.size(0) - 1, bptt)):
        data, targets = get_batch(train_data, i)
        if hidden is not None:
            hidden = repackage_hidden(hidden)
        optimizer.zero_grad()
        output, hidden = model(data, hidden)
        loss = criterion(output, targets)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        print(f"batch {batch} loss {loss.item():.8f} norm {norm:.6f}")


best_val_loss = None
for epoch in range(1, epochs + 1):
    train()
    val_loss = evaluate(val_data)
    print('| end of epoch {:3d} | valid loss {:5.4f} | valid ppl {:8.3f}'.format(epoch, val_loss, math.exp(val_loss)))
    if not best_val_loss or val_loss < best_val_loss:
        with open("model.pt", 'wb') as f:
            torch.save(model.state_dict(), f)
        best_val_loss = val_loss
with open("model.pt", 'rb') as f:
    model.load_state_dict(torch.load(f))
test_loss = evaluate(test_data)
print('| End of training | test loss {:5.4f} | test ppl {:8.3f}'.format(test_loss, math.exp(test_loss)))
