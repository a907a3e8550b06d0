import assert from 'node:assert/strict';
import test from 'node:test';

import { load } from './bundle.mjs';

// What is state in the browser is a plain value here: nothing is drawn.
globalThis.$state = Object.assign((value) => value, { raw: (value) => value });
const { byRate, matrixOf, namer, scaleEnd } = await load('src/lib/variants.ts');

function variant(number, angle, hook, { predicted, clicks, impressions } = {}) {
  return {
    id: String(number), number,
    score: predicted === undefined ? null : { predicted_ctr: predicted, interval: [predicted / 2, predicted * 2] },
    placement: impressions === undefined ? null : { delivery: { clicks, impressions } },
    script: { direction: { angle, hook }, structure: null, lines: [{ role: 'hook', caption: `line ${number}` }, { role: 'cta', caption: 'Order' }] },
    storyboard: { size: { width: 720, height: 1280 }, shots: [] },
  };
}
const ALL = [
  variant(1, 'story', 'scene', { predicted: 0.01 }), variant(2, 'offer', 'number', { predicted: 0.03 }), variant(3, 'story', 'number'),
  variant(4, 'story', 'scene', { predicted: 0.001, clicks: 20, impressions: 1000 }), variant(5, 'offer', 'question', { predicted: 0.01 }),
];
const numbers = (variants) => variants.map((one) => one.number);

test('clicked variants come before predicted ones, those before the rest, equals by number', () => {
  assert.deepEqual(numbers(byRate(ALL)), [4, 2, 1, 5, 3]);
  assert.deepEqual(numbers(byRate(ALL.toReversed())), [4, 2, 1, 5, 3]);
  assert.deepEqual(numbers(ALL), [1, 2, 3, 4, 5], 'the list itself stays as it is');
});

test('a matrix holds each variant once, in the cell of what it has', () => {
  const { columns, more, rows } = matrixOf(byRate(ALL), 'angle', 'hook', 16);
  // Two scenes and two numbers: the scene was written first.
  assert.deepEqual(columns, [namer('hook')(ALL[0]), namer('hook')(ALL[1]), namer('hook')(ALL[4])]);
  assert.equal(more, 0);
  assert.deepEqual(rows.map((row) => [row.name, numbers(row.of), row.cells.map(numbers), row.most]), [
    [namer('angle')(ALL[0]), [4, 1, 3], [[4, 1], [3], []], 2],
    [namer('angle')(ALL[1]), [2, 5], [[], [2], [5]], 1],
  ]);
});

test('columns beyond the most that are shown are counted, and their variants stay in the row', () => {
  const { columns, more, rows } = matrixOf(ALL, 'angle', 'first_line', 2);
  assert.deepEqual([columns, more], [['line 1', 'line 2'], 3]);
  assert.deepEqual(rows.map((row) => row.of.length), [3, 2]);
});

test('what a variant lacks is a dash', () => {
  for (const slot of ['structure', 'picture', 'proof']) assert.equal(namer(slot)(ALL[0]), '–');
  assert.equal(namer('aspect')(ALL[0]), '9:16');
  assert.equal(namer('cta')(ALL[0]), 'Order');
});

test('the scale holds every interval; few clicks do not stretch it beyond a fifth', () => {
  assert.equal(scaleEnd([]), 0.001);
  assert.equal(scaleEnd(ALL), 0.06);
  assert.equal(scaleEnd([variant(1, 'story', 'scene', { clicks: 1, impressions: 1 })]), 0.2);
});
