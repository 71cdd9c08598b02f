"""Reading digits: a support vector machine, its report and its mistakes."""
# AUTOLOG
from sklearn import datasets, metrics, svm
from sklearn.model_selection import train_test_split

try:
    import matplotlib.pyplot as plt
except ImportError:
    plt = None

digits = datasets.load_digits()
data = digits.images.reshape((len(digits.images), -1))

clf = svm.SVC(gamma=0.001)
X_train, X_test, y_train, y_test = train_test_split(
    data, digits.target, test_size=0.5, shuffle=False
)
clf.fit(X_train, y_train)
predicted = clf.predict(X_test)

print(f"Classification report for {clf}:\n{metrics.classification_report(y_test, predicted)}\n")
cm = metrics.confusion_matrix(y_test, predicted)
print("Confusion matrix:\n", cm)
if plt is not None:
    metrics.ConfusionMatrixDisplay.from_predictions(y_test, predicted)
    plt.savefig("confusion.png")

accuracy = metrics.accuracy_score(y_test, predicted)
print("Accuracy: %.4f, macro F1: %.4f" % (accuracy, metrics.f1_score(y_test, predicted, average="macro")))
wrong = [(int(t), int(p)) for t, p in zip(y_test, predicted) if t != p]
print(len(wrong), "mistakes, among them", wrong[:5])

report = metrics.classification_report(y_test, predicted, output_dict=True)
worst = min((label for label in report if label.isdigit()), key=lambda k: report[k]["f1-score"])
print(f"hardest digit: {worst} with {report[worst]['f1-score']:.3f}")
