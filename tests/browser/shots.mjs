// Takes a picture of one page of each kind, to be looked at:
//
//   node tests/browser/shots.mjs FOLDER [FILTER]      # only kinds that contain FILTER
//
// The pages are those of the demonstration, of whoever first can reach them.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { dress, launch, MODES, signIn, visitor } from './browser.mjs';
import { crawl } from './walk.mjs';
import { demo } from './world.mjs';

const [folder, filter = ''] = process.argv.slice(2);
if (!folder) {
  console.error('Say where the pictures go: node tests/browser/shots.mjs FOLDER [FILTER]');
  process.exit(2);
}
await mkdir(folder, { recursive: true });

const [world, browser] = await Promise.all([demo(), launch()]);
const done = new Set();
try {
  for (const person of [null, ...world.people]) {
    const { context, page } = await visitor(browser, world);
    if (person) await signIn(page, person);
    const { pages } = await crawl(context, world.origin, [person ? '/today' : '/sign-in']);
    for (const [kind, address] of pages) {
      if (done.has(kind) || !kind.includes(filter)) continue;
      done.add(kind);
      const name = kind.replace(/[{}]/g, '').replace(/^\//, '').replace(/\//g, '-') || 'root';
      await page.goto(address);
      for (const mode of Object.keys(MODES)) {
        await dress(page, mode);
        await page.screenshot({ path: join(folder, `${name}.${mode.replace(' ', '-')}.png`), fullPage: true });
      }
      console.log(`${kind}  ${address}  ${person?.name ?? 'a stranger'}`);
    }
    await context.close();
  }
} finally {
  await browser.close();
  await world.stop();
}
