// Both languages are complete: no key is missing, none is unused, and both take the same values.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';

import { load } from './bundle.mjs';

const root = new URL('../../', import.meta.url).pathname;
const icu = await load('src/lib/icu.ts');
const english = JSON.parse(await readFile(join(root, 'src/messages/en-US.json'), 'utf8'));
const chinese = JSON.parse(await readFile(join(root, 'src/messages/zh-CN.json'), 'utf8'));

async function sources(folder) {
  const found = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await sources(path)));
    else if (/\.(svelte|ts)$/.test(entry.name) && !entry.name.endsWith('.d.ts')) found.push(await readFile(path, 'utf8'));
  }
  return found;
}
const text = (await sources(join(root, 'src'))).join('\n');
const used = new Set([...text.matchAll(/\bt\('([a-z_.]+)'/g), ...text.matchAll(/\b(?:key|label): '([a-z_.]+)'/g)].map((found) => found[1]));
const groups = [
  ...[...text.matchAll(/\bword\('([a-z]+)'/g)].map((found) => `${found[1]}.`),
  ...[...text.matchAll(/\bt\(`([a-z_.]+)\$\{/g)].map((found) => found[1]),
];

test('every key that a page uses is there', () => {
  assert.ok(used.size > 200, `only ${used.size} keys were found in the sources`);
  assert.deepEqual([...used].filter((key) => !(key in english)), []);
});

test('every group of words that a page uses is there', () => {
  assert.deepEqual(groups.filter((group) => !Object.keys(english).some((key) => key.startsWith(group))), []);
});

test('every key is used', () => {
  const unused = Object.keys(english).filter((key) => !used.has(key) && !groups.some((group) => key.startsWith(group)));
  assert.deepEqual(unused, []);
});

test('both languages have the same keys and take the same values', () => {
  assert.deepEqual(Object.keys(chinese).sort(), Object.keys(english).sort());
  for (const [key, message] of Object.entries(english))
    assert.deepEqual([...icu.names(chinese[key])].sort(), [...icu.names(message)].sort(), key);
});

test('every message is well formed in every case of its plurals', () => {
  for (const [locale, messages] of [['en-US', english], ['zh-CN', chinese]])
    for (const [key, message] of Object.entries(messages))
      for (const n of [0, 1, 2, 60]) {
        const values = Object.fromEntries([...icu.names(message)].map((name) => [name, n]));
        assert.doesNotMatch(icu.format(message, values, locale), /[{}]|undefined/, key);
      }
});

test('the words of the API are translated as the API has them', async () => {
  const api = JSON.parse(await readFile(join(root, '../../../schemas/generated/openapi.json'), 'utf8')).components.schemas;
  const names = { Angle: 'angle', Hook: 'hook', Structure: 'structure', FactKind: 'fact', Tone: 'tone', Objective: 'objective', CallToAction: 'cta', PlacementKind: 'placement', Role: 'role', Layout: 'layout', StopReason: 'stopped', Locale: 'locale' };
  for (const [schema, group] of Object.entries(names)) {
    const words = api[schema].enum ?? api[schema].oneOf.flatMap((one) => one.enum ?? [one.const]);
    for (const word of words) assert.ok(`${group}.${word}` in english, `${group}.${word}`);
  }
});

test('plurals follow the rules of the language', () => {
  const message = '{n, plural, =0 {none} one {one} other {# runs}}';
  assert.equal(icu.format(message, { n: 0 }, 'en-US'), 'none');
  assert.equal(icu.format(message, { n: 1 }, 'en-US'), 'one');
  assert.equal(icu.format(message, { n: 1200 }, 'en-US'), '1,200 runs');
  assert.equal(icu.format(message, { n: 1 }, 'zh-CN'), '1 runs', 'Chinese has one form');
  assert.equal(icu.format("'{'{x}'}'", { x: 'a' }, 'en-US'), '{a}');
  for (const wrong of ['{', '{a', '{n, plural, one {x}}', 'a}', '{n, date}']) assert.throws(() => icu.parse(wrong), wrong);
});
