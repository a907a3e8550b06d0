"""Gradient-boosted trees on the promo table, as a peer: reads FOLDER/promo64k.csv and
FOLDER/split.csv, fits the train part on one thread and prints one JSON object: seconds of the fit, and
for each offer in the order of the arguments the log-odds of every row.

Settings are those of the reference figures: learning rate .03, 15 leaves, 120 trees, categories as
such."""

import csv
import json
import sys
import time

import lightgbm
import numpy

folder, offers = sys.argv[1], sys.argv[2:]
with open(folder + "/promo64k.csv", newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
with open(folder + "/split.csv", newline="", encoding="utf-8") as file:
    train = numpy.array([row["part"] == "train" for row in csv.DictReader(file)])
levels = {name: sorted({row[name] for row in rows}) for name in ["zip_code", "channel"]}
levels["offer"] = offers
columns = [
    [float(row[name]) for row in rows]
    for name in ["recency", "history", "used_discount", "used_bogo", "is_referral"]
]
columns += [[float(levels[name].index(row[name])) for row in rows] for name in levels]
features = numpy.array(columns).T
labels = numpy.array([float(row["conversion"]) for row in rows])
fitted, targets = features[train], labels[train]
start = time.perf_counter()
model = lightgbm.train(
    {
        "objective": "binary",
        "learning_rate": 0.03,
        "num_leaves": 15,
        "min_data_in_leaf": 200,
        "lambda_l2": 10.0,
        "num_threads": 1,
        "seed": 7,
        "deterministic": True,
        "verbosity": -1,
    },
    lightgbm.Dataset(fitted, targets, categorical_feature=[5, 6, 7]),
    num_boost_round=120,
)
seconds = time.perf_counter() - start
scores = []
for offer in range(len(offers)):
    features[:, 7] = offer
    scores.append(model.predict(features, raw_score=True).tolist())
json.dump({"seconds": seconds, "log_odds": scores}, sys.stdout)
