// What somebody with ill intent tries from another site or with a guessed address.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
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
async function mock(options) {
  const made = await start(options);
  worlds.push(made);
  return made;
}
const RUN = '0c000000-0000-7000-8000-000000000001';
const button = (name) => `::-p-aria([name="${name}"][role="button"])`;
async function sees(page, words) {
  await page.waitForFunction((wanted) => document.body.innerText.includes(wanted), { timeout: 15_000, polling: 100 }, words);
}
/** A page of another site. */
async function elsewhere(html) {
  const server = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(html));
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return { url: `http://localhost:${server.address().port}`, stop: () => new Promise((closed) => server.close(closed)) };
}

test('no other site can put the portal into a frame', async () => {
  const world = await mock();
  for (const path of ['/', '/market', `/campaigns/new?run=${RUN}`, `/shared#${'ab'.repeat(32)}`]) {
    const evil = await elsewhere(`<title>free coffee</title><iframe src="${world.url}/portal${path}" width="600" height="400"></iframe>`);
    const { page, context } = await open(chromium.browser);
    await page.goto(evil.url);
    await page.waitForFunction(() => document.querySelector('iframe') !== null);
    await new Promise((later) => setTimeout(later, 400));
    const framed = page.frames().filter((frame) => frame !== page.mainFrame());
    for (const frame of framed) {
      const shown = await frame.evaluate(() => document.querySelector('#app') !== null).catch(() => false);
      assert.equal(shown, false, path);
    }
    await context.close();
    await evil.stop();
  }
});

test('scripts and styles that come into a page by another way do not run', async () => {
  const world = await mock();
  const { page, context, expected } = await open(chromium.browser);
  expected.push('Content Security Policy', 'Refused to');
  await page.goto(`${world.url}/portal/market`);
  await page.waitForSelector('h1');
  const ran = await page.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'window.hurt = "inline"';
    document.body.append(script);
    const away = document.createElement('script');
    away.src = 'data:text/javascript,window.hurt="data"';
    document.body.append(away);
    document.body.insertAdjacentHTML('beforeend', '<button id="trap" onclick="window.hurt=\'handler\'">x</button><p id="styled" style="color: rgb(1, 2, 3)">x</p>');
    document.getElementById('trap').click();
    await new Promise((later) => setTimeout(later, 200));
    return { hurt: window.hurt ?? null, color: getComputedStyle(document.getElementById('styled')).color };
  });
  assert.equal(ran.hurt, null);
  assert.notEqual(ran.color, 'rgb(1, 2, 3)', 'styles do not come by attributes either');
  await context.close();
});

test('every write carries the token of the session, and no address carries a secret', async () => {
  const world = await mock();
  const { page, errors, context } = await open(chromium.browser);
  const writes = [];
  const addresses = [];
  page.on('request', (request) => {
    addresses.push(request.url());
    if (request.method() !== 'GET') writes.push({ path: new URL(request.url()).pathname, token: request.headers()['x-csrf-token'], once: request.headers()['idempotency-key'] });
  });
  await page.goto(`${world.url}/portal/campaigns/new?run=${RUN}`);
  await sees(page, '21,000–41,000');
  await (await page.waitForSelector('form .btn.p')).click();
  await sees(page, 'ads are placed.');
  await page.goto(`${world.url}/portal/campaigns/${RUN}-g2`);
  await sees(page, 'Ladder: who climbed');
  await page.keyboard.press('p');
  await sees(page, 'The campaign is paused.');
  assert.ok(writes.length >= 3, JSON.stringify(writes));
  for (const one of writes) {
    assert.equal(one.token, world.state.session.csrf_token, one.path);
    assert.ok(one.once?.length >= 16, one.path);
  }
  assert.ok(!addresses.some((address) => address.includes(world.state.session.csrf_token)));
  assert.deepEqual(errors, []);
  await context.close();
});

test('an address that leads elsewhere is not followed, neither after the sign-in nor from a kept view', async () => {
  const world = await mock();
  world.state.views = ['//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:alert(1)'].map((address, idx) => ({ id: `0v000000-0000-7000-8000-00000000000${idx}`, name: `view ${idx}`, address, created_at: new Date().toISOString() }));
  const { page, errors, context } = await open(chromium.browser);
  for (const view of world.state.views) {
    await page.goto(`${world.url}/portal/`);
    await page.waitForSelector('h1');
    await page.keyboard.down('Control');
    await page.keyboard.press('k');
    await page.keyboard.up('Control');
    await page.waitForSelector('[role=combobox]');
    await page.type('[role=combobox]', view.name);
    await new Promise((later) => setTimeout(later, 250));
    await page.keyboard.press('Enter');
    await new Promise((later) => setTimeout(later, 250));
    assert.equal(new URL(page.url()).origin, world.url, view.address);
  }
  assert.deepEqual(errors, []);
  await context.close();
});

test('a guessed link shows nothing and says no more than that', async () => {
  const world = await mock();
  const { page, expected, errors, context } = await open(chromium.browser);
  expected.push('404 (Not Found)', '401 (Unauthorized)');
  const names = [world.state.session.organization.name, 'Somewhere behind'];
  for (const path of ['/shared#none', `/shared#${'cd'.repeat(32)}`, '/join#token=guessed']) {
    await page.goto('about:blank');
    await page.goto(`${world.url}/portal${path}`);
    await page.waitForSelector('h1');
    await new Promise((later) => setTimeout(later, 300));
    const text = await page.evaluate(() => document.body.innerText);
    for (const name of names) assert.ok(!text.includes(name), `${path}: ${name}`);
    assert.ok(!text.includes('guessed') && !text.includes('cdcd'), 'the token is not shown again');
  }
  for (const path of [`/campaigns/${'0c000000-0000-7000-8000-000000000099'}-g1`, '/experiments/0e000000-0000-7000-8000-000000000999', '/variants/0a000000-0000-7000-8000-000000999999']) {
    await page.goto(`${world.url}/portal${path}`);
    await sees(page, 'Not found');
  }
  assert.deepEqual(errors, []);
  await context.close();
});
