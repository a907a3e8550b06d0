// The market as a whole, calibration, campaigns that people make, views that are kept, and a demo that is removed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, open, violations } from './browser.mjs';
import { start } from './mock.mjs';

let chromium;
const worlds = [];
before(async () => (chromium = await launch()));
after(async () => {
  await chromium?.close();
  await Promise.all(worlds.map((one) => one.stop()));
});

async function mock(options) {
  const made = await start(options);
  worlds.push(made);
  return made;
}

const RUN = '0c000000-0000-7000-8000-000000000001';
const button = (name) => `::-p-aria([name="${name}"][role="button"])`;
async function sees(page, words, timeout = 15_000) {
  await page.waitForFunction((wanted) => document.body.innerText.includes(wanted), { timeout, polling: 100 }, words).catch(async () => {
    throw new Error(`"${words}" did not appear on ${page.url()}:\n${(await page.evaluate(() => document.body.innerText)).slice(0, 1500)}`);
  });
}
async function press(page, selector) {
  const found = await page.waitForSelector(selector, { visible: true });
  await found.click();
}

test('the market: every creative in one ladder, prices that nobody tells are no zero, every figure marked', async () => {
  const world = await mock();
  const { page, errors, context } = await open(chromium.browser);
  await page.goto(`${world.url}/portal/market`);
  await sees(page, 'Ladder: who climbed, who stopped, on what evidence');
  await sees(page, 'g2-01');
  await sees(page, '2 on plan');
  const plain = await page.evaluate(() => [...document.querySelectorAll('.figures .fig:not(.sim), .sides td .v:not(.sim)')].map((one) => one.textContent).filter((text) => /\d/.test(text)));
  assert.deepEqual(plain, ['2 on plan'], 'every simulated figure is underlined');
  await press(page, button('Table: Win rate and prices'));
  const cells = await page.$$eval('.tall tbody tr:last-child td', (row) => row.map((cell) => cell.textContent));
  assert.deepEqual(cells, ['99%', '$7.90', '–'], 'what nobody tells is left open');
  await press(page, '.tabs a:nth-child(2)');
  await sees(page, 'placed by a person');
  assert.ok(page.url().endsWith('/market?tab=campaigns'));
  await page.select('.chip:nth-of-type(2) select', 'active');
  await page.waitForFunction(() => document.querySelectorAll('table.lines tbody tr').length === 1);
  assert.deepEqual(errors, []);
  await context.close();
});

test('calibration says in words how far the model may be believed, and never mixes sources', async () => {
  const world = await mock();
  const { page, errors, context } = await open(chromium.browser);
  await page.goto(`${world.url}/portal/calibration`);
  await sees(page, 'Too little was promised: 0.95 times as many clicks were predicted as came, likely 0.91 to 0.99.');
  await page.select('.chip:nth-of-type(2) select', 'click-model 6');
  await sees(page, 'Too much was promised: 1.12');
  await press(page, button('Table: Predicted against clicked'));
  assert.equal((await page.$$('.tall tbody tr')).length, 10, 'all plotted values');
  await press(page, '.seg button:nth-child(2)');
  await sees(page, '0 of at least 10 shown variants');
  assert.equal(await page.$('.ribbon'), null);
  assert.ok(!world.asked.some((one) => one.includes('all')));
  assert.deepEqual(errors, []);
  await context.close();
});

for (const [locale, words] of [['en-US', { place: 'Place', placed: 'ads are placed.', plan: 'Days played' }], ['zh-CN', { place: '投放', placed: '已投放', plan: '已投放天数' }]]) {
  test(`by keyboard alone, ${locale}: from chosen videos to a placed campaign`, async () => {
    const world = await mock();
    const { page, errors, context } = await open(chromium.browser, { locale });
    await page.goto(`${world.url}/portal/runs/${RUN}/variants?view=table`);
    await page.waitForSelector('table.rows');
    await page.keyboard.press('j');
    for (let taken = 0; taken < 2; taken += 1) {
      await page.keyboard.press('x');
      await page.keyboard.press('j');
    }
    const way = await page.waitForSelector('a[href*="/campaigns/new"]');
    await way.focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => location.pathname.endsWith('/campaigns/new'));
    await page.waitForSelector('.pick input:checked');
    const chosen = (await page.$$('.pick input:checked')).length;
    // What it would deliver follows what is ordered.
    await sees(page, '21,000–41,000');
    const radio = await page.waitForSelector('input[type=radio]:checked');
    await radio.focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.deepEqual(await violations(page), []);
    await page.keyboard.down('Control');
    await page.keyboard.press('Enter');
    await page.keyboard.up('Control');
    await sees(page, words.placed);
    await page.waitForFunction(() => location.pathname.endsWith('-c1'));
    const made = world.state.campaigns[0];
    assert.deepEqual([made.origin, made.ads, made.budget_micros, made.objective], ['people', chosen, 200_000_000, 'conversions']);
    await page.goto(`${page.url()}?tab=plan`);
    await sees(page, words.plan);
    assert.deepEqual(await violations(page), []);
    assert.deepEqual(errors, []);
    await context.close();
  });
}

test('nothing typed of a campaign is lost by a refusal or a reload, and the refusal stands at its field', async () => {
  const world = await mock();
  const { page, errors, expected, context } = await open(chromium.browser);
  expected.push('422 (Unprocessable Entity)');
  await page.goto(`${world.url}/portal/campaigns/new?run=${RUN}`);
  await page.waitForSelector('.pick input:checked');
  await page.type('input[maxlength="80"]', 'Hill tea, autumn');
  await page.waitForFunction(() => (localStorage.getItem(Object.keys(localStorage).find((key) => key.startsWith('spotwright.campaign'))) ?? '').includes('autumn'));
  world.state.noAd = world.state.variants.find((one) => one.state === 'won').id;
  await press(page, 'form .btn.p');
  await page.waitForSelector('.wrong[role=alert]');
  await sees(page, 'the variant was rejected and cannot be an ad');
  assert.equal(await page.$eval('input[maxlength="80"]', (input) => input.value), 'Hill tea, autumn');
  await page.goto(`${world.url}/portal/campaigns/new`);
  await page.waitForSelector('.pick input:checked');
  assert.equal(await page.$eval('input[maxlength="80"]', (input) => input.value), 'Hill tea, autumn', 'a reload keeps it');
  assert.equal(world.state.campaigns.length, 3, 'nothing was placed');
  assert.deepEqual(errors, []);
  await context.close();
});

test('a view is kept with everything that was chosen, found again by the palette, and deleted', async () => {
  const world = await mock();
  const { page, errors, context } = await open(chromium.browser);
  await page.goto(`${world.url}/portal/market?status=active&tab=campaigns`);
  await press(page, 'details.views summary');
  await page.waitForSelector('details.views li');
  assert.deepEqual(await violations(page), []);
  await page.type('details.views input', 'Running now');
  await page.keyboard.press('Enter');
  await sees(page, 'Kept as “Running now”.');
  assert.equal(world.state.views[0].address, '/market?status=active&tab=campaigns');
  await page.keyboard.press('Escape');
  await page.goto(`${world.url}/portal/`);
  await page.waitForSelector('h1');
  await page.keyboard.down('Control');
  await page.keyboard.press('k');
  await page.keyboard.up('Control');
  await page.waitForSelector('[role=combobox]');
  await page.type('[role=combobox]', 'Running now');
  await page.waitForFunction(() => document.querySelectorAll('[role=option]').length === 1);
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => location.pathname.endsWith('/market') && location.search === '?status=active&tab=campaigns');
  await press(page, 'details.views summary');
  await press(page, button('Delete the view Running now'));
  await page.waitForFunction(() => ![...document.querySelectorAll('details.views li')].some((row) => row.textContent.includes('Running now')));
  assert.deepEqual(errors, []);
  await context.close();
});

test('a demo says so on every page and width, and is removed by one click that can be taken back', async () => {
  const world = await mock();
  world.state.session = { ...world.state.session, demo: true };
  const { page, errors, expected, context } = await open(chromium.browser);
  expected.push('401 (Unauthorized)', '404 (Not Found)');
  for (const path of ['/', '/market', '/settings/appearance']) {
    await page.goto(`${world.url}/portal${path}`);
    await sees(page, 'Demo organization');
    assert.deepEqual(await violations(page), [], path);
    await page.setViewport({ width: 390, height: 844 });
    await page.waitForFunction(() => { const tag = document.querySelector('.demo-tag'); return tag && getComputedStyle(tag).display !== 'none'; });
    await page.setViewport({ width: 1440, height: 900 });
  }
  await press(page, button('Remove the demo'));
  await sees(page, 'Removed in');
  await press(page, button('Keep it'));
  await page.waitForFunction(() => !document.body.innerText.includes('Removed in'));
  assert.ok(!world.asked.includes('DELETE /v1/organization/demo'));
  await press(page, button('Remove the demo'));
  await page.waitForFunction(() => location.pathname === '/portal/signin', { timeout: 20_000 });
  assert.ok(world.asked.includes('DELETE /v1/organization/demo'));
  assert.deepEqual(errors, []);
  await context.close();
});

test('two hundred experiments break no page: neither list, board, home nor palette', async () => {
  const world = await mock({ experiments: 200 });
  const { page, errors, context } = await open(chromium.browser);
  for (const path of ['/experiments', '/experiments?view=board', '/', '/inbox']) {
    await page.goto(`${world.url}/portal${path}`);
    await page.waitForSelector('h1');
    await page.waitForFunction(() => !document.querySelector('.skeleton'));
    for (const width of [390, 1024, 1440]) {
      await page.setViewport({ width, height: 900 });
      await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth);
    }
  }
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(errors, []);
  await context.close();
});
