"""Prints what must be the same with autolog and without: torch's own list of optimizers, compilers."""
import copy, hashlib, inspect, io, pickle, sys, types, unittest, warnings
warnings.simplefilter("ignore")
sys.modules["expecttest"] = types.SimpleNamespace(TestCase=unittest.TestCase)
import torch
from torch import nn
from torch.nn import functional as F

def digest(*tensors):
    whole = hashlib.sha256()
    for one in tensors:
        whole.update(one.detach().contiguous().view(-1).numpy().tobytes())
    return whole.hexdigest()[:16]

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.drop, self.b = nn.Linear(4, 8), nn.Dropout(0.3), nn.Linear(8, 3)
    def forward(self, x):
        return self.b(self.drop(torch.relu(self.a(x))))

def train(model, optimizer, steps=4, call=None):
    for _ in range(steps):
        x, y = torch.randn(16, 4), torch.randint(0, 3, (16,))
        def closure():
            optimizer.zero_grad()
            loss = F.cross_entropy((model if call is None else call)(x), y)
            loss.backward()
            return loss
        if isinstance(optimizer, torch.optim.LBFGS):
            optimizer.step(closure)
        else:
            closure()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()

def optimizers():
    from torch.testing._internal.common_optimizers import optim_db
    for info in optim_db:
        cls = info.optim_cls
        for inputs in info.optim_inputs_func(device="cpu"):
            torch.manual_seed(0)
            model = Net()
            if cls.__name__ == "Muon":
                optimizer = cls([model.a.weight, model.b.weight], **inputs.kwargs)
            else:
                optimizer = cls(model.parameters(), **inputs.kwargs)
            try:
                train(model, optimizer)
                twin = copy.deepcopy(optimizer)
                again = pickle.loads(pickle.dumps(optimizer))
                keys = sorted(vars(again)), sorted(vars(twin)), list(optimizer._optimizer_step_post_hooks)
            except Exception as error:
                print(cls.__name__, type(error).__name__, error)
                continue
            print(cls.__name__, inputs.desc, digest(*model.parameters()), keys)
        for inputs in info.optim_error_inputs_func(device="cpu", dtype=torch.float32) if info.optim_error_inputs_func else ():
            given = inputs.optimizer_error_input
            try:
                cls(given.params if given.params is not None else [nn.Parameter(torch.ones(2))], **given.kwargs)
                print(cls.__name__, "no error")
            except Exception as error:
                print(cls.__name__, type(error).__name__, error)

def compiled():
    import torch._dynamo
    from torch._dynamo.utils import counters
    torch.manual_seed(1)
    for what in ("module", "step", "in place", "optimizer"):
        torch._dynamo.reset(); counters.clear()
        model = Net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        if what == "module":
            train(model, optimizer, 5, torch.compile(model, backend="eager"))
        elif what == "in place":
            model.compile(backend="eager"); train(model, optimizer, 5)
        elif what == "step":
            @torch.compile(backend="eager", fullgraph=True)
            def loss_of(x, y): return F.cross_entropy(model(x), y)
            for _ in range(5):
                optimizer.zero_grad()
                loss_of(torch.randn(16, 4), torch.randint(0, 3, (16,))).backward()
                optimizer.step()
        else:
            step = torch.compile(lambda: optimizer.step(), backend="eager")
            for _ in range(5):
                optimizer.zero_grad()
                F.cross_entropy(model(torch.randn(16, 4)), torch.randint(0, 3, (16,))).backward()
                step()
        found = {key: dict(counters[key]) for key in ("frames", "stats", "graph_break", "recompiles")}
        if what == "optimizer":  # dynamo counts its own wrappers round a step, fewer with a hook
            del found["frames"]
        print(what, digest(*model.parameters()), found)

def others():
    torch.manual_seed(2)
    model = Net()
    train(model, torch.optim.Adam(model.parameters()), 2)
    x = torch.randn(5, 4)
    model.eval()
    scripted, traced = torch.jit.script(model), torch.jit.trace(model, x)
    exported = torch.export.export(model, (x,)).module()
    graph = torch.fx.symbolic_trace(model)
    for one in (scripted, traced, exported, graph, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        print(digest(one(x)))
    params = dict(model.named_parameters())
    def loss(params, x, y): return F.cross_entropy(torch.func.functional_call(model, params, (x[None],)), y[None])
    grads = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(params, x, torch.zeros(5, dtype=torch.long))
    print(digest(*grads.values()))
    scripted_loss = torch.jit.script(lambda_loss)
    print(scripted_loss(torch.ones(2, 3), torch.zeros(2, dtype=torch.long)).item())
    stream = io.BytesIO(); torch.save(model, stream); print(len(stream.getvalue()))
    loader = torch.utils.data.DataLoader(torch.arange(6), batch_size=2, shuffle=True)
    print([b.tolist() for b in pickle.loads(pickle.dumps(loader))])
    for thing in (nn.Module.eval, nn.Module.state_dict, nn.Module.load_state_dict, F.cross_entropy, torch.save,
                  torch.optim.Optimizer.__init__, torch.utils.data.DataLoader.__iter__, torch.autograd.backward):
        print(thing.__name__, thing.__qualname__, thing.__module__, inspect.signature(thing), len(thing.__doc__ or ""),
              hash(inspect.getsource(thing)) and inspect.getsourcelines(thing)[1], pickle.loads(pickle.dumps(thing)) is thing)

def lambda_loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(x, y)

def handles():
    model = nn.Linear(2, 1)
    hook = model.register_forward_hook(lambda *a: None)
    print(sorted(model._forward_hooks) == [hook.id])
    print(torch.get_rng_state().sum().item(), torch.is_grad_enabled(), torch.get_num_threads())

optimizers(); compiled(); others(); handles()
