// What stands around lists, by keyboard alone: views that are saved, and going from one customer to the
// next; once with JavaScript and once without.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessibility, deadButtons, launch, overflow, signIn, visitor, withoutJavaScript } from './browser.mjs';
import { fresh } from './world.mjs';

let browser;
let world;

before(async () => {
  [world, browser] = await Promise.all([fresh(), launch()]);
});

after(async () => {
  await browser?.close();
  await world?.stop();
});

async function enter(page, locator) {
  await locator.focus();
  await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
}

async function switches(page, scripted) {
  await page.goto('/customers/1/users');
  const link = page.getByRole('link', { name: 'Switch customer' });
  if (scripted) {
    await link.focus();
    await page.keyboard.press('Enter');
    await page.locator('#switcher .hits a').first().waitFor();
    assert.deepEqual(await accessibility(page), []);
    await page.keyboard.press('ArrowDown');
    await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
    assert.equal(new URL(page.url()).pathname, '/customers/1/users', 'the tab is kept');
    await page.goto('/switch?at=users');
  } else {
    await enter(page, link);
  }
  const main = page.getByRole('main');
  await enter(page, main.getByRole('button', { name: /^Pin/ }));
  await main.getByRole('heading', { name: 'Pinned' }).waitFor();
  await enter(page, main.getByRole('button', { name: /^Unpin/ }));
  await main.getByRole('heading', { name: 'Looked at last' }).waitFor();
}

async function saves(page, scripted) {
  await page.goto('/users?state=active');
  const main = page.getByRole('main');
  await enter(page, main.getByRole('link', { name: 'Save this view' }));
  if (scripted) assert.deepEqual(await accessibility(page), []);
  else assert.deepEqual(await deadButtons(page), []);
  assert.deepEqual(await overflow(page), []);
  await main.getByLabel('Name', { exact: true }).focus();
  await page.keyboard.type('Everybody at work');
  await enter(page, main.getByRole('button', { name: 'Save view' }));
  const chip = main.getByRole('link', { name: 'Everybody at work' });
  assert.equal(await chip.getAttribute('aria-current'), 'true');
  await enter(page, main.getByRole('link', { name: 'Saved views' }));
  await enter(page, main.getByRole('button', { name: 'Delete Everybody at work' }));
  await main.getByText('No saved views yet').waitFor();
}

for (const [how, open, scripted] of [
  ['with JavaScript', visitor, true],
  ['without JavaScript', withoutJavaScript, false],
]) {
  test(`views and the switcher by keyboard, ${how}`, { timeout: 120_000 }, async () => {
    const { page, problems, context } = await open(browser, world);
    await signIn(page, world.people[0]);
    await switches(page, scripted);
    await saves(page, scripted);
    assert.deepEqual(problems, []);
    await context.close();
  });
}
