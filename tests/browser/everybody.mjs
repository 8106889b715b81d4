// Everybody the demonstration names walks through all that they can reach. One page of each kind
// is looked at in light, dark and on a phone, with and without JavaScript.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, signIn, visitor, withoutJavaScript } from './browser.mjs';
import { crawl, examine, examineWithoutJavaScript } from './walk.mjs';
import { demo } from './world.mjs';

let world;
let browser;

before(async () => {
  [world, browser] = await Promise.all([demo(), launch()]);
});

after(async () => {
  await browser?.close();
  await world?.stop();
});

function none(problems) {
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

async function look(t, pages, scripted, plain) {
  for (const [kind, address] of pages) {
    await t.test(kind, async () => {
      const found = [
        ...(await examine(scripted, address)),
        ...(await examineWithoutJavaScript(plain, address)),
      ];
      none(found.map((problem) => `${address}: ${problem}`));
    });
  }
}

test('every page of everybody', async (t) => {
  const known = new Set();
  for (const person of world.people) {
    await t.test(person.name, async (t) => {
      const scripted = await visitor(browser, world);
      const plain = await withoutJavaScript(browser, world);
      await signIn(scripted.page, person);
      await signIn(plain.page, person);
      const { pages, problems, visited } = await crawl(scripted.context, world.origin);
      t.diagnostic(`${visited} addresses, ${pages.size} kinds of pages`);
      assert.ok(pages.size > 1, 'nothing is linked from the first page');
      await t.test('no link leads nowhere', () => none(problems));
      // What somebody before could reach too has been looked at.
      await look(t, [...pages].filter(([kind]) => !known.has(kind)), scripted, plain);
      for (const kind of pages.keys()) known.add(kind);
      await scripted.context.close();
      await plain.context.close();
    });
  }
});

test('every page of a stranger', async (t) => {
  const scripted = await visitor(browser, world);
  const plain = await withoutJavaScript(browser, world);
  const { pages, problems } = await crawl(scripted.context, world.origin, ['/sign-in']);
  assert.ok(pages.has('/sign-in'));
  await t.test('no link leads nowhere', () => none(problems));
  await look(t, pages, scripted, plain);
});
