"""A regression whose predictions scikit-learn judges; amp and a plateau scheduler."""
import numpy as np
import torch
from sklearn.datasets import make_regression
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

X, y = make_regression(n_samples=240, n_features=6, noise=5.0, random_state=3)
X_train, X_test, y_train, y_test = train_test_split(X, y / 100, test_size=0.25, random_state=0)
scaler = StandardScaler()
X_train = torch.tensor(scaler.fit_transform(X_train), dtype=torch.float32)
X_test = torch.tensor(scaler.transform(X_test), dtype=torch.float32)
y_train = torch.tensor(y_train, dtype=torch.float32).view(-1, 1)
y_test = torch.tensor(y_test, dtype=torch.float32).view(-1, 1)

torch.manual_seed(0)
n_epochs = 5
batch_size = 30
model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 1))
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scaler_amp = torch.amp.GradScaler("cpu", init_scale=1024.0)
batch_start = torch.arange(0, len(X_train), batch_size)
best_mse = np.inf
history, batch_losses = [], []
for epoch in range(n_epochs):
    model.train()
    for start in batch_start:
        X_batch = X_train[start:start + batch_size]
        y_batch = y_train[start:start + batch_size]
        optimizer.zero_grad()
        loss = loss_fn(model(X_batch), y_batch)
        scaler_amp.scale(loss).backward()
        scaler_amp.step(optimizer)
        scaler_amp.update()
        batch_losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        y_pred = model(X_test)
        mse = loss_fn(y_pred, y_test)
    mse = float(mse)
    history.append(mse)
    if mse < best_mse:
        best_mse = mse
print("MSE: %.6f" % best_mse, "RMSE: %.6f" % np.sqrt(best_mse))
with torch.no_grad():
    predicted = model(X_test).numpy()
r2 = r2_score(y_test.numpy(), predicted)
mae = mean_absolute_error(y_test.numpy(), predicted)
print("R2:", r2, "MAE:", mae)
