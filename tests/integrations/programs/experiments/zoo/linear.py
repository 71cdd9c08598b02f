from sklearn.linear_model import Ridge

from . import register

register("ridge")(lambda **kw: Ridge(**kw))
register("broken")(lambda **kw: Ridge(solver="bogus", **kw))
