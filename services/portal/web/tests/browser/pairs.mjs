// A page of pairs: the pictures of a design at the left, ours at the right. `node pairs.mjs OUT DESIGN`, where
// DESIGN holds pictures named as below; those that are not there are left out. Ours are drawn over made-up answers.
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { launch, open } from './browser.mjs';
import { start } from './mock.mjs';

const RUN = '0c000000-0000-7000-8000-000000000001';
const VARIANT = '0a000000-0000-7000-8000-000000200000';
const MATRIX = `/runs/${RUN}/variants?rows=first_line&cols=picture&v=${VARIANT}`;
const TRIAL = '/experiments/0e000000-0000-7000-8000-000000000001';
const REVIEW = '/briefs/new?step=review';
const phone = { width: 390, height: 844 };
const PAIRS = [
  ['01-home', '/'], ['02-brief-review', REVIEW], ['03-run-live', `/runs/${RUN}`], ['04-variants', MATRIX], ['05-storyboard', `/runs/${RUN}/storyboard/${VARIANT}`],
  ['06-experiment', TRIAL], ['07-market', '/market'], ['08-money', '/money'], ['09-experiment-dark', TRIAL, { theme: 'dark' }], ['10-variants-dark', MATRIX, { theme: 'dark' }],
  ['11-brief-review-zh', REVIEW, { locale: 'zh-CN' }], ['12-home-zh', '/', { locale: 'zh-CN' }], ['13-run-phone', `/runs/${RUN}`, phone], ['14-experiment-phone', TRIAL, phone], ['15-experiment-zh', TRIAL, { locale: 'zh-CN' }],
  ['16-developers', '/developers/webhooks/07000000-0000-7000-8000-000000000001?d=0d000000-0000-7000-8000-000000000006'],
];
const DRAFT = {
  source: 'product:\n  name: Morning Roast\n  facts:\n    - text: Roasted in small batches in Portland, Maine\n    - text: Every batch cupped by 3 roasters before it ships\n    - text: Smooth to the last sip, even black\n    - text: Free shipping on orders over $30\n', sourceName: 'brief.yaml', extra: {}, once: 'once',
  fields: { product: { name: 'Morning Roast', category: 'coffee', pictures: [], facts: [['small', 'origin', 'Roasted in small batches in Portland, Maine', 'about page'], ['cupped', 'proof', 'Every batch cupped by 3 roasters before it ships', 'cupping sheets'], ['smooth', 'benefit', 'Smooth to the last sip, even black', ''], ['shipping', 'offer', 'Free shipping on orders over $30', 'shop terms']].map(([id, kind, text, source]) => ({ id, kind, text, source, quote: '' })) } },
};

const [out, design] = process.argv.slice(2);
if (!out || !design) {
  console.error('usage: pairs OUT DESIGN');
  process.exit(2);
}
await mkdir(out, { recursive: true });
const given = new Set(await readdir(design));
const world = await start({ variants: 12 });
const { browser, close } = await launch();
const rows = [];
try {
  for (const [name, path, how = {}] of PAIRS) {
    const { page, context } = await open(browser, how);
    await page.goto(`${world.url}/healthz`);
    await page.evaluate((key, draft) => localStorage.setItem(key, draft), `spotwright.draft.${world.state.session.organization.id}`, JSON.stringify(DRAFT));
    await page.goto(`${world.url}/portal${path}`);
    await page.waitForSelector('h1');
    await page.waitForFunction(() => !document.querySelector('.skeleton'));
    await new Promise((later) => setTimeout(later, 700));
    await page.screenshot({ path: join(out, `${name}-ours.png`) });
    await context.close();
    const there = given.has(`${name}.png`);
    if (there) await copyFile(join(design, `${name}.png`), join(out, `${name}-design.png`));
    rows.push(`<h2>${name}</h2><div>${there ? `<img src="${name}-design.png" alt="design">` : '<p>no picture in the design</p>'}<img src="${name}-ours.png" alt="ours"></div>`);
  }
} finally {
  await close();
  await world.stop();
}
const style = 'body{font:14px sans-serif;margin:16px;background:#ddd}div{display:grid;grid-template-columns:1fr 1fr;gap:12px;align-items:start}img{width:100%;max-width:100%;border:1px solid #999}';
await writeFile(join(out, 'index.html'), `<!doctype html><meta charset="utf-8"><title>Design and portal</title><style>${style}</style><h1>Design left, portal right</h1>${rows.join('\n')}\n`);
console.log(join(out, 'index.html'));
