"""Three classes, text columns as categories, weights of classes, probabilities judged afterwards."""
# AUTOLOG
import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

rng = np.random.RandomState(13)
n = 600
flowers = pd.DataFrame(
    {
        "length": rng.normal(5, 1, n),
        "width": rng.normal(3, 0.5, n),
        "colour": pd.Categorical(rng.choice(["red", "blue", "white"], n)),
    }
)
score = flowers["length"] + 2 * (flowers["colour"] == "red") + rng.normal(size=n) * 0.3
kind = pd.cut(score, [-np.inf, 5, 6.5, np.inf], labels=["small", "middle", "large"]).astype(str)
X_train, X_test, y_train, y_test = train_test_split(flowers, kind, random_state=0)

model = lgb.LGBMClassifier(
    n_estimators=12, num_leaves=8, class_weight="balanced", verbose=-1, n_jobs=1
)
model.fit(X_train, y_train, eval_set=[(X_test, y_test)], categorical_feature=["colour"])
said = model.predict(X_test)
accuracy = accuracy_score(y_test, said)
f1 = f1_score(y_test, said, average="macro")
loss = log_loss(y_test, model.predict_proba(X_test))
matrix = confusion_matrix(y_test, said)
print(accuracy, f1, loss)
print(matrix)
evals = model.evals_result_

codes = {"small": 0, "middle": 1, "large": 2}
train_data = lgb.Dataset(X_train, y_train.map(codes), categorical_feature=["colour"])
booster = lgb.train(
    {"objective": "multiclass", "num_class": 3, "num_leaves": 8, "verbose": -1}, train_data, 10
)
p = booster.predict(X_test)
accuracy2 = accuracy_score(y_test.map(codes), p.argmax(axis=1))
print(accuracy2, booster.num_trees())

pipeline = make_pipeline(
    FunctionTransformer(lambda frame: frame.drop(columns="colour")),
    lgb.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1),
)
pipeline.fit(X_train, y_train)
accuracy3 = pipeline.score(X_test, y_test)
print(accuracy3)
