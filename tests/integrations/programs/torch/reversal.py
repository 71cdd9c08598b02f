import random, time, math
import torch, torch.nn as nn, torch.nn.functional as F
from torch import optim
import numpy as np
from torch.utils.data import TensorDataset, DataLoader, RandomSampler
torch.manual_seed(0)
MAX_LENGTH = 6
def timeSince(since, percent):
    now = time.time(); s = now - since; es = s / percent; rs = es - s
    return '%s (- %s)' % (int(s * 0), int(rs * 0))
class EncoderRNN(nn.Module):
    def __init__(self, input_size, hidden_size, dropout_p=0.1):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = nn.Embedding(input_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size, batch_first=True)
        self.dropout = nn.Dropout(dropout_p)
    def forward(self, input):
        return self.gru(self.dropout(self.embedding(input)))
class DecoderRNN(nn.Module):
    def __init__(self, hidden_size, output_size):
        super().__init__()
        self.embedding = nn.Embedding(output_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size, batch_first=True)
        self.out = nn.Linear(hidden_size, output_size)
    def forward(self, encoder_outputs, encoder_hidden, target_tensor=None):
        decoder_input = torch.zeros(encoder_outputs.size(0), 1, dtype=torch.long)
        decoder_hidden = encoder_hidden
        outs = []
        for i in range(MAX_LENGTH):
            o, decoder_hidden = self.gru(F.relu(self.embedding(decoder_input)), decoder_hidden)
            o = self.out(o); outs.append(o)
            decoder_input = target_tensor[:, i].unsqueeze(1) if target_tensor is not None else o.argmax(-1).detach()
        return F.log_softmax(torch.cat(outs, dim=1), dim=-1), decoder_hidden, None
def get_dataloader(batch_size):
    a = torch.randint(1, 12, (96, MAX_LENGTH))
    data = TensorDataset(a, a.flip(1))
    return DataLoader(data, sampler=RandomSampler(data), batch_size=batch_size)
def train_epoch(dataloader, encoder, decoder, encoder_optimizer, decoder_optimizer, criterion):
    total_loss = 0
    for data in dataloader:
        input_tensor, target_tensor = data
        encoder_optimizer.zero_grad()
        decoder_optimizer.zero_grad()
        encoder_outputs, encoder_hidden = encoder(input_tensor)
        decoder_outputs, _, _ = decoder(encoder_outputs, encoder_hidden, target_tensor)
        loss = criterion(decoder_outputs.view(-1, decoder_outputs.size(-1)), target_tensor.view(-1))
        loss.backward()
        encoder_optimizer.step()
        decoder_optimizer.step()
        total_loss += loss.item()
    return total_loss / len(dataloader)
def train(train_dataloader, encoder, decoder, n_epochs, learning_rate=0.001, print_every=100, plot_every=100):
    start = time.time()
    plot_losses = []
    print_loss_total = 0
    plot_loss_total = 0
    encoder_optimizer = optim.Adam(encoder.parameters(), lr=learning_rate)
    decoder_optimizer = optim.Adam(decoder.parameters(), lr=learning_rate)
    criterion = nn.NLLLoss()
    for epoch in range(1, n_epochs + 1):
        loss = train_epoch(train_dataloader, encoder, decoder, encoder_optimizer, decoder_optimizer, criterion)
        print_loss_total += loss
        plot_loss_total += loss
        if epoch % print_every == 0:
            print_loss_avg = print_loss_total / print_every
            print_loss_total = 0
            print('%s (%d %d%%) %.4f' % (timeSince(start, epoch / n_epochs), epoch, epoch / n_epochs * 100, print_loss_avg))
        if epoch % plot_every == 0:
            plot_loss_avg = plot_loss_total / plot_every
            plot_losses.append(plot_loss_avg)
            plot_loss_total = 0
hidden_size = 16
batch_size = 32
train_dataloader = get_dataloader(batch_size)
encoder = EncoderRNN(12, hidden_size)
decoder = DecoderRNN(hidden_size, 12)
train(train_dataloader, encoder, decoder, 6, print_every=2, plot_every=2)
encoder.eval(); decoder.eval()
