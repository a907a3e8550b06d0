import assert from 'node:assert/strict';
import test from 'node:test';

import { load } from './bundle.mjs';

const { niceEnd, ticks, wilson } = await load('src/lib/figures.ts');

test('the interval of a share agrees with its formula worked by hand', () => {
  // 10 of 100: (0.113528 ± 1.6449 · 0.031107) / 1.027057.
  const [low, high] = wilson(10, 100);
  assert.ok(Math.abs(low - 0.060717) < 1e-5 && Math.abs(high - 0.160357) < 1e-5, `${low} ${high}`);
});

test('the interval holds its share and stays a share', () => {
  for (const [clicks, shown] of [[0, 10], [10, 10], [1, 3], [333, 20_425]]) {
    const [low, high] = wilson(clicks, shown);
    assert.ok(low >= 0 && high <= 1 && low <= clicks / shown + 1e-12 && clicks / shown <= high + 1e-12);
  }
  assert.deepEqual(wilson(0, 0), [0, 1]);
});

test('scales end at round values', () => {
  for (const [value, end] of [[0.017, 0.02], [0.02, 0.02], [0.021, 0.025], [7, 8], [0, 1]]) assert.ok(Math.abs(niceEnd(value) - end) < 1e-9);
});

test('the values of a scale are round and end with it', () => {
  assert.deepEqual(ticks(0.025), [0, 0.005, 0.01, 0.015, 0.02, 0.025]);
  assert.deepEqual(ticks(0.015), [0, 0.005, 0.01, 0.015]);
  assert.deepEqual(ticks(0.02), [0, 0.005, 0.01, 0.015, 0.02]);
  for (const value of [0.0013, 0.017, 0.031, 0.044, 0.06, 0.09]) assert.equal(ticks(niceEnd(value)).at(-1), Number(niceEnd(value).toPrecision(6)));
});
