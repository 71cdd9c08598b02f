"""Sorting letters by subject: words in lists, a pipeline, a search, and learning in batches."""
import random
from pprint import pprint

# AUTOLOG
import numpy as np
import sklearn.metrics as skm
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline

rng = random.Random(7)
SUBJECTS = {
    "space": "orbit rocket moon launch shuttle nasa star engine".split(),
    "medicine": "doctor patient dose virus pain clinic nurse engine".split(),
    "sport": "goal team player coach season match star launch".split(),
}
COMMON = "the a of and to in is it that was for on with as at".split()


def letter(subject):
    words = rng.choices(SUBJECTS[subject], k=4) + rng.choices(COMMON, k=12)
    rng.shuffle(words)
    return " ".join(words)


labels = [rng.choice(list(SUBJECTS)) for _ in range(240)]
docs = [letter(subject) for subject in labels]
docs_train, docs_test, y_train, y_test = train_test_split(docs, labels, random_state=0)

text_clf = Pipeline(
    [("vect", CountVectorizer()), ("tfidf", TfidfTransformer()), ("clf", MultinomialNB())]
)
text_clf.fit(docs_train, y_train)
predicted = text_clf.predict(docs_test)
print("naive Bayes:", skm.accuracy_score(y_test, predicted))
print(skm.classification_report(y_test, predicted))

text_clf.set_params(clf=SGDClassifier(random_state=42, max_iter=5, tol=None))
parameters = {"vect__ngram_range": [(1, 1), (1, 2)], "clf__alpha": (1e-2, 1e-3)}
gs_clf = GridSearchCV(text_clf, parameters, cv=3, scoring="f1_macro")
gs_clf.fit(docs_train, y_train)
print(f"best score {gs_clf.best_score_:.4f}")
pprint({name: gs_clf.best_params_[name] for name in sorted(parameters)})
print("on the held-out letters:", gs_clf.score(docs_test, y_test))
for doc, category in zip(docs_test[:2], gs_clf.predict(docs_test[:2])):
    print(f"{doc[:30]!r} => {category}")

# too many letters for the memory: in batches
vectorizer = HashingVectorizer(n_features=2**8, alternate_sign=False)
X_test = vectorizer.transform(docs_test)
online = SGDClassifier(random_state=0)
history = []
for start in range(0, len(docs_train), 60):
    X_batch = vectorizer.transform(docs_train[start : start + 60])
    online.partial_fit(X_batch, y_train[start : start + 60], classes=list(SUBJECTS))
    history.append(online.score(X_test, y_test))
print("while learning:", np.round(history, 3))
