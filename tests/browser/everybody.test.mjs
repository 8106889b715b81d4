// Everybody the demonstration names walks through all that they can reach. One page of each kind
// is looked at in light, dark and on a phone, with and without JavaScript; then what links do not
// lead to: refused forms, the steps of a job, what floats above a page, and errors.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { accessibility, launch, overflow, signIn, visitor, withoutJavaScript } from './browser.mjs';
import { crawl, examine, examineWithoutJavaScript, look } from './walk.mjs';
import { demo, empty } from './world.mjs';

const sheets = fileURLToPath(new URL('../fixtures/sheets/', import.meta.url));
const TABS = 3; // pages looked at beside each other

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
  assert.equal(problems.join('\n'), '');
}

/** Everybody signs in once; each pair of tabs, with and without scripts, has the session. */
async function tabs(person) {
  const scripted = await visitor(browser, world);
  if (person) await signIn(scripted.page, person);
  const cookies = await scripted.context.cookies();
  const pair = async (first) => {
    const both = [first ?? (await visitor(browser, world)), await withoutJavaScript(browser, world)];
    for (const { context } of both) await context.addCookies(cookies);
    return both;
  };
  const rest = Array.from({ length: TABS - 1 }, () => pair());
  return Promise.all([pair(scripted), ...rest]);
}

/** Walks from `first` and looks at what nobody looked at before. */
async function walk(t, person, first, known) {
  const pairs = await tabs(person);
  const { pages, problems, visited } = await crawl(pairs[0][0].context, world.origin, [first]);
  assert.ok(pages.size > 1, 'nothing is linked from the first page');
  await t.test(`no link of ${visited} leads nowhere`, () => none(problems));
  const fresh = [...pages].filter(([kind]) => !known.has(kind));
  await t.test(`${fresh.length} pages look right`, { concurrency: TABS }, (t) =>
    Promise.all(fresh.map(([kind, address]) => t.test(kind, async () => {
      known.add(kind);
      const pair = pairs.pop();
      const [scripted, plain] = pair;
      const found = await examine(scripted, address);
      found.push(...(await examineWithoutJavaScript(plain, address)));
      pairs.push(pair);
      none(found.map((problem) => `${address}: ${problem}`));
    }))));
  for (const pair of pairs) for (const { context } of pair) await context.close();
}

test('every page of everybody', async (t) => {
  const known = new Set();
  await t.test('a stranger', (t) => walk(t, null, '/sign-in', known));
  for (const person of world.people) {
    await t.test(person.name, (t) => walk(t, person, '/today', known));
  }
});

/** Looks at what stands there after each step; the step's name says what that is. */
function watching(t, page, problems) {
  return (what, act) => t.test(what, async () => {
    page.setDefaultTimeout(10_000);
    await act();
    none([...(await look(page)), ...problems.splice(0)]);
  });
}

test('what no link leads to', async (t) => {
  const { page, problems, context } = await visitor(browser, world);
  await signIn(page, world.people[0]);
  const sees = watching(t, page, problems);
  const main = page.getByRole('main');
  const press = (name) => main.getByRole('button', { name, exact: true }).first().click();
  const customer = '/customers/5';

  await sees('a new customer that is refused', async () => {
    await page.goto('/customers/new');
    await press('Show the plan');
    await main.getByText(/fields? needs? a look/).waitFor();
    problems.length = 0; // 422 is what was asked for
  });
  await sees('a new user with the names it would get', async () => {
    await page.goto(`${customer}/users/new`);
    await main.getByLabel('First name').pressSequentially('Ylva');
    await main.getByText('Signs in as').waitFor();
  });
  await sees('a new user before it is added', async () => {
    await main.getByLabel('Badge number').fill('TA4711');
    await press('Show the plan');
    await main.getByRole('heading', { name: 'Add Ylva?' }).waitFor();
  });
  await sees('a file that is checked', async () => {
    await page.goto(`${customer}/users/import`);
    const text = await readFile(`${sheets}m365-users-sample.csv`, 'utf8');
    await main.getByLabel('File', { exact: true }).setInputFiles({
      name: 'users.csv', mimeType: 'text/csv', buffer: Buffer.from(text),
    });
    await press('Check the file');
    await main.getByRole('table').waitFor();
  });
  await sees('the import', async () => {
    await press('Import all good rows');
    await main.getByText('Done', { exact: true }).first().waitFor();
  });
  await sees('users that are picked', async () => {
    await page.goto(`${customer}/users`);
    await main.getByRole('checkbox', { name: 'Select all on this page' }).check();
    await main.getByRole('button', { name: 'Give service' }).waitFor();
  });
  await sees('the plan before it is done', async () => {
    await press('Give service');
    await press('Show the plan');
    await main.getByRole('button', { name: /^Give/ }).first().waitFor();
  });
  await sees('what an offboarding would do', async () => {
    await page.goto(`${customer}/users`);
    await main.getByRole('table').getByRole('link').nth(3).click();
    await page.waitForURL(/\/users\/\d+$/);
    await page.goto(`${page.url()}/offboard`);
    await main.getByLabel('Make the mailbox shared').check();
    await press('Show the plan');
    await main.getByRole('button', { name: 'Offboard', exact: true }).waitFor();
  });
  await sees('a menu of a row', async () => {
    await page.goto(`${customer}/services`);
    await main.getByRole('button', { name: /^Actions for/ }).last().click();
    await main.getByRole('link', { name: 'Remove…' }).or(main.getByRole('link', { name: /…$/ })).first().waitFor();
  });
  await sees('why a line is on a bill', async () => {
    await page.goto('/billing');
    await main.getByRole('table', { name: 'Billing periods' }).getByRole('link').first().click();
    await main.getByRole('table').getByRole('link').first().click();
    await main.getByRole('table').getByRole('link').first().click();
    await page.getByText(/Why: /).waitFor();
  });
  await sees('a draft of an invoice', async () => {
    await page.goto('/invoices?state=draft');
    await main.getByRole('link', { name: 'Draft', exact: true }).first().click();
    await main.getByRole('button', { name: 'Finalise' }).waitFor();
  });
  await sees('a request that failed', async () => {
    await page.goto('/requests?status=failed');
    await main.getByRole('table').getByRole('link').first().click();
    await main.getByRole('button', { name: 'Retry' }).waitFor();
  });
  await sees('a search that found something', () => page.goto('/search?q=brightwater'));
  await sees('a search that found nothing', () => page.goto('/search?q=zzzz'));
  await sees('a list that nothing fits', () => page.goto('/customers?q=zzzz'));
  await sees('the palette', async () => {
    await page.goto('/today');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('aldermoor');
    await page.getByRole('dialog').getByRole('link', { name: /Aldermoor/ }).first().waitFor();
  });
  await sees('a page that is not there', async () => {
    await page.goto('/customers/999999');
    problems.length = 0;
  });
  await context.close();
});

test('the menu on a phone', async (t) => {
  const { page, problems } = await visitor(browser, world, { mode: 'phone' });
  await signIn(page, world.people[0]);
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Customers' }).waitFor();
  none([...(await accessibility(page)), ...(await overflow(page)), ...problems]);
});

test('what somebody may not open', async (t) => {
  const { page, problems } = await visitor(browser, world);
  await signIn(page, world.people.at(-1));
  const answer = await page.goto('/settings');
  assert.equal(answer.status(), 403);
  problems.length = 0;
  none(await look(page));
});

test('an installation that is set up', async (t) => {
  const house = await empty();
  t.after(() => house.stop());
  const { page, problems } = await visitor(browser, house);
  const sees = watching(t, page, problems);
  await sees('the form', () => page.goto(house.setup));
  await sees('the form, refused', async () => {
    await page.getByRole('button').last().click();
    await page.getByText(/fields? needs? a look/).waitFor();
    problems.length = 0;
  });
});
