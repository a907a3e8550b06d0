// The whole way by keyboard alone, in both languages: brief, run, chosen videos, placement, verdict, decision. Nothing
// is clicked and no field is set by a script.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, open } from './browser.mjs';
import { start } from './mock.mjs';

let chromium;
const worlds = [];
before(async () => (chromium = await launch()));
after(async () => {
  await chromium?.close();
  await Promise.all(worlds.map((one) => one.stop()));
});

async function sees(page, words) {
  await page.waitForFunction((wanted) => document.body.innerText.includes(wanted), { timeout: 15_000, polling: 100 }, words).catch(async () => {
    throw new Error(`"${words}" did not appear on ${page.url()}:\n${(await page.evaluate(() => document.body.innerText)).slice(0, 1500)}`);
  });
}
/** Presses Tab until the focus is on what fits the selector. */
async function tabTo(page, selector) {
  await page.waitForSelector(selector);
  for (let presses = 0; presses < 200; presses += 1) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`no way to ${selector} by the Tab key on ${page.url()}`);
}
async function enter(page) {
  await page.keyboard.down('Control');
  await page.keyboard.press('Enter');
  await page.keyboard.up('Control');
}
/** Goes to a page by its two letters. */
async function jump(page, letter, path) {
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('g');
  await page.keyboard.press(letter);
  await page.waitForFunction((wanted) => location.pathname === `/portal${wanted}`, {}, path);
}

const BRIEF = `id: morning-roast
locale: en-US
brand:
  name: Harbor Lane
  colors: { primary: "#3B2417", accent: "#F2B544" }
  tone: warm
product:
  name: Morning Roast
  category: coffee
  facts:
    - { id: small, kind: origin, text: Roasted in small batches in Portland, evidence: { source: about page } }
  pictures:
    - { file: coffee.png, alt: a cup, licence: own }
audience: { description: people who brew at home }
objective: clicks
budget: { total: 200, currency: USD }
destination_url: https://example.com/roast
call_to_action: order_now
placements: [tiktok_in_feed]
`;

const WORDS = {
  'en-US': { understood: 'understood', nothing: 'Nothing is spent before you start.', placed: 'ads are placed.', wins: 'B wins', logged: 'The decision is in the log.' },
  'zh-CN': { understood: '读懂', nothing: '开始之前不会产生任何费用', placed: '已投放', wins: 'B胜出', logged: '决定已写入记录。' },
};

for (const [locale, words] of Object.entries(WORDS)) {
  test(`by keyboard alone, ${locale}: from a pasted brief to a decided experiment`, async () => {
    const world = await start();
    worlds.push(world);
    const { page, errors, expected, context } = await open(chromium.browser, { locale });
    // The film itself is not there.
    expected.push('404 (Not Found)');
    await page.goto(`${world.url}/portal/`);
    await page.waitForSelector('h1');
    await page.keyboard.press('c');
    await tabTo(page, 'textarea');
    await page.evaluate((value) => document.execCommand('insertText', false, value), BRIEF);
    await tabTo(page, 'button.p');
    await page.keyboard.press('Enter');
    await sees(page, words.understood);
    // Files cannot be chosen by key strokes in a headless browser; their control can be reached by them.
    await tabTo(page, '.pictures input[type=file]');
    await (await page.$('.pictures input[type=file]')).uploadFile(new URL('../../../../../examples/coffee-en/coffee.png', import.meta.url).pathname);
    await page.waitForFunction(() => document.querySelectorAll('.pictures img').length === 1);
    await enter(page);
    await sees(page, words.nothing);
    await page.waitForSelector('.order input[type=number]');
    await tabTo(page, '.order .btn.p');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => /^\/portal\/runs\/[0-9a-z-]{36}$/.test(location.pathname));
    assert.ok(world.asked.includes('POST /v1/briefs') && world.asked.includes('POST /v1/runs'));

    // The run makes its variants.
    const run = world.state.runs[0].id;
    for (const one of [...world.state.parents, ...world.state.variants]) one.run = run;
    await jump(page, 'v', `/runs/${run}/variants`);
    await page.waitForSelector('table.matrix');
    await page.keyboard.press('t');
    await page.waitForSelector('table.rows');
    for (let taken = 0; taken < 2; taken += 1) {
      await page.keyboard.press('j');
      await page.keyboard.press('x');
    }
    await tabTo(page, 'a[href*="/campaigns/new"]');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.pick input:checked');
    await sees(page, '21,000–41,000');
    await tabTo(page, 'form .btn.p');
    await page.keyboard.press('Enter');
    await sees(page, words.placed);

    await jump(page, 'x', '/experiments');
    await tabTo(page, 'a[href$="/experiments/0e000000-0000-7000-8000-000000000001"]');
    await page.keyboard.press('Enter');
    await sees(page, words.wins);
    await enter(page);
    await tabTo(page, '[role=dialog] textarea');
    await page.keyboard.type('It costs less per click.');
    await tabTo(page, '[role=dialog] .btn.p');
    await page.keyboard.press('Enter');
    await sees(page, words.logged);
    const { state, decision } = world.state.experiments[0];
    assert.deepEqual([state, decision.choice, decision.reason], ['decided', 'adopt', 'It costs less per click.']);
    assert.deepEqual(errors, []);
    await context.close();
  });
}
