def f(y_true, y_pred):
    return 0.5
