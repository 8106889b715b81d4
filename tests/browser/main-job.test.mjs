// The main job, by hand: from an empty store to a line on the bill, as an administrator would do
// it in one sitting, found by what the page says. Once with JavaScript and once without.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, signIn, visitor, withoutJavaScript } from './browser.mjs';
import { fresh } from './world.mjs';

const sheets = fileURLToPath(new URL('../fixtures/sheets/', import.meta.url));
const sheet = await readFile(`${sheets}m365-users-sample.csv`, 'utf8');
const ROWS = sheet.trim().split('\n').length - 1;
const GOOD = ROWS - 3; // three are refused: two of another domain or without a name, one twice
const PICKED = ['Maren Tolliver', 'Theo Vane', 'Sunniva Akselrod'];

const PATIENCE_MS = 10_000;

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
    press: (name) => main.getByRole('button', { name, exact: true }).first().click(),
    follow: (name) => main.getByRole('link', { name, exact: true }).first().click(),
    fill: (label, text) => main.getByLabel(label, { exact: true }).fill(text),
    choose: (label, text) => main.getByLabel(label, { exact: true }).selectOption({ label: text }),
    rail: async (name) => {
      await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name }).click();
      await heading(name);
    },
    says: (text) => page.getByText(text).first().waitFor(),
    tab: async (name) => {
      const part = (await main.getByRole('heading', { level: 1 }).textContent()).trim();
      await main.getByRole('navigation', { name: part }).getByRole('link', { name }).click();
    },
  };
}

/** One step; those after one that failed would only fail too. */
async function step(t, page, name, what) {
  await t.test(name, { skip: page.failed }, async () => {
    try {
      page.setDefaultTimeout(PATIENCE_MS);
      await what();
    } catch (error) {
      page.failed = true;
      error.message += `\nat ${page.url()}\n${await page.getByRole('main').ariaSnapshot().catch(() => '')}`;
      throw error;
    }
  });
}

async function addCustomer({ rail, follow, choose, fill, press, heading }, name, domain, below) {
  await rail('Customers');
  await follow('New customer');
  if (below) await choose('Below', below);
  await fill('Name', name);
  await fill('Contact', 'Ruth Verlaine');
  await fill('Contact email', `ruth@${domain}`);
  await fill('Domain', domain);
  await press('Show the plan');
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

/** The address of a customer, looked up in the list as one would. */
async function find({ page, main, rail, follow, heading, press }, name) {
  await rail('Customers');
  await main.getByRole('searchbox').first().fill(name);
  await press('Filter');
  await follow(name);
  await heading(name);
  return new URL(page.url()).pathname;
}

async function upload({ main, follow, press }, names) {
  await follow('Import');
  await main.getByLabel('File', { exact: true }).setInputFiles({
    name: 'users.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(sheet.replaceAll('aldermoor.example', names.domain)),
  });
  await press('Check the file');
}

/** Every step of the job, with names of its own, so that it can be done twice in one store. */
async function theJob(t, visitor, scripted, names) {
  const { page } = visitor;
  const by = hand(page);
  const { main, press, follow, fill, choose, rail, heading, says } = by;
  const at = (name, what) => step(t, page, name, what);
  let reseller = '';
  let customer = '';

  await at('sign in', async () => {
    await signIn(page, world.people[0]);
    await heading('Today');
  });
  await at('a reseller, made one by the service Reseller', async () => {
    await addCustomer(by, names.reseller, names.resellerDomain);
    await by.tab('Services');
    await follow('Add… Reseller');
    await press('Show the plan');
    await heading(/Reseller/);
    await press(/^Give/);
    await says(/^Done/);
    reseller = await find(by, names.reseller);
  });
  await at('a customer below it', async () => {
    await addCustomer(by, names.customer, names.domain, names.reseller);
    customer = await find(by, names.customer);
  });
  await at('a file of users, checked before some rows of it are imported', async () => {
    await by.tab('Users');
    await upload(by, names);
    await says(`${ROWS} rows for ${names.customer}: ${GOOD} new, 0 changed, 0 unchanged, ${ROWS - GOOD} refused`);
    await main.getByRole('checkbox', { name: 'Select row 4' }).uncheck();
    await press('Import these');
    await runEnds(page, scripted);
  });
  await at('the same file again brings the one that is missing', async () => {
    await page.goto(`${customer}/users`);
    await upload(by, names);
    await says(`1 new, 0 changed, ${GOOD - 1} unchanged`);
    await press('Import all good rows');
    await runEnds(page, scripted);
  });
  await at('and then changes nothing', async () => {
    await page.goto(`${customer}/users`);
    await upload(by, names);
    await says(`0 new, 0 changed, ${GOOD} unchanged`);
  });
  await at('a service with two plans, on sale', async () => {
    await rail('Services');
    await follow('New service');
    await fill('Name', names.service);
    await fill('Code', names.code);
    await main.getByLabel('Tracking only').check();
    await press('Add service');
    await heading(names.service);
    for (const [plan, sku, price] of [['Standard', 'MW-STD', '18.00'], ['Plus', 'MW-PLUS', '26.50']]) {
      await follow('New plan');
      await fill('Name', plan);
      await fill('Code', plan.toLowerCase());
      await fill(/^SKU/, sku);
      await fill(/^Price/, price);
      await press('Add plan');
      await says('Plan added.');
    }
    await press('Put on sale');
    await says('On sale now.');
  });
  await at('offered to the reseller', async () => {
    await page.goto(reseller);
    await by.tab('Offers');
    await follow('Offer a service');
    await choose('Service', names.service);
    await press('Choose plans');
    for (const plan of ['Standard', 'Plus']) await main.getByRole('checkbox', { name: plan }).check();
    await press('Offer it');
    await main.getByRole('table', { name: 'Offers' }).getByText(names.service).waitFor();
  });
  await at('given to the customer', async () => {
    await page.goto(`${customer}/services`);
    await follow(`Add… ${names.service}`);
    await press('Show the plan');
    await press(/^Give/);
    await says(/^Done/);
  });
  await at('given to users who are picked, after the plan was read', async () => {
    await page.goto(`${customer}/users`);
    for (const name of PICKED) {
      await main.getByRole('checkbox', { name: `Select ${name}` }).check();
    }
    await press('Give service');
    await says('3 users are chosen.');
    await choose('Service and plan', `${names.service}, Standard`);
    await press('Show the plan');
    await heading(/3 users/);
    await says('54.00');
    await press(/^Give/);
    await runEnds(page, scripted);
  });
  await at('a line on the bill that says where it comes from', async () => {
    await rail('Billing');
    await main.getByRole('table').getByRole('link').first().click();
    await follow(names.reseller);
    await follow(new RegExp(names.service));
    await says(/Why: /);
    await says('Maren Tolliver');
  });
  await at('sign out', async () => {
    if (scripted) await page.keyboard.press('Escape');
    else await page.goto('/today');
    await page.getByRole('button', { name: /Provider administrator/ }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL('**/sign-in*');
    await page.goto('/customers');
    assert.match(page.url(), /sign-in/);
  });
}

test('with JavaScript', async (t) => {
  const scripted = await visitor(browser, world);
  await theJob(t, scripted, true, {
    reseller: 'Harrow Systems',
    resellerDomain: 'harrow.example',
    customer: 'Aldermoor Dental',
    domain: 'aldermoor.example',
    service: 'Managed workplace',
    code: 'workplace',
  });
  assert.deepEqual(scripted.problems, []);
});

test('without JavaScript', async (t) => {
  const plain = await withoutJavaScript(browser, world);
  await theJob(t, plain, false, {
    reseller: 'Skerry Networks',
    resellerDomain: 'skerry.example',
    customer: 'Brackenfield Law',
    domain: 'brackenfield.example',
    service: 'Plain workplace',
    code: 'plain',
  });
  assert.deepEqual(plain.problems, []);
});
