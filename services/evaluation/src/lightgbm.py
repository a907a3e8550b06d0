"""Gradient-boosted trees on vectors, as a peer of the ridge: reads FOLDER/rows.json and
FOLDER/vectors.f32, writes FOLDER/predictions.json with one click rate per row.

Each row counts twice, as click and as no click, weighted by clicks and by the rest over the mean
impressions of train rows. Settings are the usual ones for such tables; rounds stop early on the
validation split."""

import json
import sys

import lightgbm
import numpy

folder = sys.argv[1]
with open(folder + "/rows.json", encoding="utf-8") as file:
    rows = json.load(file)
vectors = numpy.fromfile(folder + "/vectors.f32", dtype="<f4").reshape(len(rows["split"]), -1)
split = numpy.array(rows["split"])
clicks = numpy.array(rows["clicks"], dtype=float)
impressions = numpy.array(rows["impressions"], dtype=float)
mean = impressions[split == "train"].mean()


def table(name, reference=None):
    chosen = split == name
    weights = numpy.concatenate([clicks[chosen], (impressions - clicks)[chosen]]) / mean
    labels = numpy.concatenate([numpy.ones(chosen.sum()), numpy.zeros(chosen.sum())])
    return lightgbm.Dataset(numpy.concatenate([vectors[chosen]] * 2), labels, weight=weights, reference=reference)


train = table("train")
parameters = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "seed": 7,
    "deterministic": True,
    "verbosity": -1,
}
model = lightgbm.train(
    parameters,
    train,
    num_boost_round=500,
    valid_sets=[table("valid", train)],
    callbacks=[lightgbm.early_stopping(40, verbose=False)],
)
with open(folder + "/predictions.json", "w", encoding="utf-8") as file:
    json.dump(model.predict(vectors).tolist(), file)
