"""Seconds that LightGBM takes to fit the train part on one thread; printed as one number."""
import csv
import sys
import time

import lightgbm
import numpy

folder = sys.argv[1]
with open(f"{folder}/promo64k.csv", newline="") as file:
    rows = list(csv.DictReader(file))
with open(f"{folder}/split.csv", newline="") as file:
    train = [row["part"] == "train" for row in csv.DictReader(file)]
names = ["recency", "history", "used_discount", "used_bogo", "is_referral"]
levels = {name: sorted({row[name] for row in rows}) for name in ["zip_code", "channel", "offer"]}
columns = [[float(row[name]) for row in rows] for name in names]
columns += [[float(levels[name].index(row[name])) for row in rows] for name in levels]
features = numpy.array(columns).T[train]
labels = numpy.array([float(row["conversion"]) for row in rows])[train]
start = time.perf_counter()
lightgbm.train(
    {
        "objective": "binary",
        "learning_rate": 0.03,
        "num_leaves": 15,
        "min_data_in_leaf": 200,
        "lambda_l2": 10.0,
        "num_threads": 1,
        "verbose": -1,
    },
    lightgbm.Dataset(features, labels, categorical_feature=[5, 6, 7]),
    num_boost_round=120,
)
print(time.perf_counter() - start)
