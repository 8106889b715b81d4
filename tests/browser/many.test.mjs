// A role, a file of users and work on many of them, by keyboard alone: once with JavaScript and once
// without.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { accessibility, deadButtons, dress, launch, overflow, signIn, visitor, withoutJavaScript } from './browser.mjs';
import { fresh, verb } from './world.mjs';

const sheets = fileURLToPath(new URL('../fixtures/sheets/', import.meta.url));
const sheet = await readFile(`${sheets}m365-users-sample.csv`, 'utf8');
const PATIENCE_MS = 10_000;
const MOST_STOPS = 400;

let browser;
let world;
let token;

before(async () => {
  [world, browser] = await Promise.all([fresh(), launch()]);
  const name = world.people[0].name;
  const told = await verb(world.data, ['token', 'create', '--user', name, '--name', 'scene', '--permissions', '*']);
  token = /ptc_[\w-]+/.exec(told)[0];
});

after(async () => {
  await browser?.close();
  await world?.stop();
});

/** What the scene needs, through the API. */
async function api(path, body) {
  const answer = await fetch(`${world.origin}/api/v1${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path}: ${await answer.clone().text()}`);
  return (await answer.json()).id;
}

async function customer(name, domain) {
  const body = { name, domain, contact_name: 'Ruth Verlaine', contact_email: `ruth@${domain}`, country: 'NL' };
  return api('/customers', { parent_id: 1, ...body });
}

/** A person without a mouse. */
function keyboard(page) {
  const main = page.getByRole('main');
  const focused = (locator) => locator.evaluate((element) => element === document.activeElement);
  const reach = async (locator) => {
    await locator.waitFor({ state: 'attached' });
    for (let stops = 0; stops < MOST_STOPS; stops += 1) {
      if (await focused(locator)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`the Tab key does not come to ${locator}`);
  };
  const press = async (locator, key) => {
    await reach(locator);
    await page.keyboard.press(key);
  };
  return {
    main,
    reach,
    press,
    type: async (locator, text) => {
      await reach(locator);
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.type(text);
    },
    enter: async (locator) => {
      await reach(locator);
      await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
    },
    button: (name) => main.getByRole('button', { name, exact: typeof name === 'string' }).first(),
    link: (name) => main.getByRole('link', { name, exact: typeof name === 'string' }).first(),
    box: (name) => main.getByRole('checkbox', { name, exact: true }),
    field: (name) => main.getByLabel(name, { exact: true }).first(),
    says: (text) => main.getByText(text).first().waitFor(),
  };
}

/** A page as it stands: nothing sideways, nothing that only a script could press. */
async function looksRight(page, scripted) {
  assert.deepEqual(await overflow(page), []);
  if (!scripted) return assert.deepEqual(await deadButtons(page), []);
  for (const mode of ['light', 'phone dark']) {
    await dress(page, mode);
    assert.deepEqual(await accessibility(page), [], mode);
    assert.deepEqual(await overflow(page), [], mode);
  }
}

/** Without a script the page of a run is asked again. */
async function runEnds(page, scripted) {
  const done = page.getByRole('main').getByText(/^Done$/).first();
  for (let tries = 0; !scripted && tries < 60 && !(await done.isVisible()); tries += 1) {
    await page.waitForTimeout(250);
    await page.reload();
  }
  await done.waitFor();
  // With one the page loads itself anew once the run has ended, for its buttons.
  await page.getByRole('main').getByRole('link', { name: 'Results' }).waitFor();
}

async function aRole(page, scripted, at) {
  const by = keyboard(page);
  const right = (name) => by.main.locator(`input[name="rights.${name}"]`);
  await page.goto(`/customers/${at}/roles/new`);
  await looksRight(page, scripted);
  await by.enter(by.button('Save role'));
  await by.says('is required');
  assert.equal(await page.getByRole('alert').first().isVisible(), true);
  await by.type(by.field('Name'), 'Front desk');
  // Within a row the arrows choose; Tab goes on to the next one.
  for (const name of ['users.read', 'users.password']) {
    await by.press(right(name).first(), 'ArrowRight');
    assert.equal(await right(name).nth(1).isChecked(), true, name);
  }
  await by.press(by.main.getByText('Other roles'), 'Enter');
  await by.press(by.box('Billing viewer'), 'Space');
  await by.enter(by.button('Save role'));
  await by.says('Front desk');
  await looksRight(page, scripted);
  const made = new URL(page.url()).pathname;
  await page.goto(`${made}/edit`);
  assert.equal(await right('users.password').nth(1).isChecked(), true, 'what was chosen is there');
  assert.equal(await by.box('Billing viewer').isChecked(), true);
  await by.press(right('users.password').nth(1), 'ArrowLeft');
  await by.enter(by.button('Save role'));
  await page.goto(`${made}/edit`);
  assert.equal(await right('users.password').first().isChecked(), true, 'it is taken out again');
  await page.goto(`${made}/delete`);
  await by.enter(by.button('Delete role'));
  await by.says('Deleted.').catch(() => page.getByText('Deleted.').first().waitFor());
}

async function aFile(page, scripted, at, domain) {
  const by = keyboard(page);
  await page.goto(`/customers/${at}/users/import`);
  const file = sheet.replaceAll('aldermoor.example', domain).replace('Office Phone', 'Extension');
  await by.field('File').setInputFiles({ name: 'users.csv', mimeType: 'text/csv', buffer: Buffer.from(file) });
  await by.enter(by.button('Check the file'));
  await by.says('‘Extension’ is not used');
  await looksRight(page, scripted);
  // A heading is pointed at a field by typing what that is called.
  await by.reach(by.field('Extension'));
  await page.keyboard.type('Phone');
  await by.enter(by.button('Check again'));
  assert.equal(await by.main.getByText('‘Extension’ is not used').count(), 0);
  await by.enter(by.link(/^Refused/));
  await by.says('must end in one of');
  await by.enter(by.link(/^All rows/));
  await by.press(by.box('Select row 2'), 'Space');
  await by.press(by.box('Select row 3'), 'Space');
  assert.equal(await by.box('Select row 26').isDisabled(), true, 'a refused row cannot be ticked');
  await by.enter(by.button('Import these'));
  await runEnds(page, scripted);
  await looksRight(page, scripted);
  await page.goto(`/customers/${at}/users?q=maren`);
  assert.equal(await by.main.getByText(`maren.tolliver@${domain}`).count(), 0, 'row 2 was let out');
}

async function manyUsers(page, scripted, at, domain) {
  const by = keyboard(page);
  await page.goto(`/customers/${at}/users?limit=5`);
  const names = await by.main.locator('tbody th a').allTextContents();
  await by.press(by.box(`Select ${names[0]}`), 'Space');
  await by.press(by.box(`Select ${names[1]}`), 'Space');
  await by.enter(by.button('Next'));
  await by.says('2 more are selected on other pages.');
  const next = await by.main.locator('tbody th a').allTextContents();
  await by.press(by.box(`Select ${next[0]}`), 'Space');
  await looksRight(page, scripted);
  await by.enter(by.button('Change…'));
  await by.says('What is done to 3 users');
  await looksRight(page, scripted);
  await by.type(by.main.getByRole('textbox', { name: /^Job title/ }), 'Night nurse');
  await by.enter(by.button('Show the preview'));
  await by.says('3 will change, 0 unchanged, 0 cannot.');
  await looksRight(page, scripted);
  await by.enter(by.button('Edit fields: 3 users'));
  await runEnds(page, scripted);
  const run = page.url();
  await page.goto(`/customers/${at}/users?q=night`);
  assert.equal(await by.main.locator('tbody tr').count(), 3);

  // Everybody of the customer: the number is typed.
  await page.goto(`/customers/${at}/users/bulk?all=1&action=disable`);
  await by.enter(by.button('Show the preview'));
  const button = await by.button(/^Disable: /).textContent();
  const n = /\d+/.exec(button)[0];
  await by.enter(by.button(/^Disable: /));
  await by.says(`does not match ${n}`);
  await by.type(by.main.getByRole('textbox', { name: 'Number of users' }), n);
  await looksRight(page, scripted);
  await by.enter(by.button(/^Disable: /));
  await runEnds(page, scripted);
  await by.enter(by.link('Undo'));
  await by.says(`${n} will change, 0 unchanged, 0 cannot.`);
  await by.enter(by.button(/^Undo/));
  await runEnds(page, scripted);

  // New names for all of them, and the first work put back.
  await page.goto(`/customers/${at}/users/bulk?all=1&action=upn`);
  await by.press(by.main.getByRole('radio', { name: 'The same name on another domain' }), 'ArrowDown');
  await by.type(by.main.getByRole('textbox', { name: /^Pattern/ }), '{last}.{first}');
  await looksRight(page, scripted);
  await by.enter(by.button('Show the preview'));
  await by.says('whoever is signed in is signed out');
  await by.says(/^sign-in name lotte\.dijkstra@\S+ → dijkstra\.lotte@/);
  await looksRight(page, scripted);
  await page.goto(`${run}/undo`);
  await by.says('job title Night nurse → ');
  await looksRight(page, scripted);
  await by.enter(by.button(/^Undo/));
  await runEnds(page, scripted);
  await page.goto(`/customers/${at}/users?q=night`);
  assert.equal(await by.main.locator('tbody tr').count(), 0);
}

for (const [name, open] of [['with JavaScript', visitor], ['without JavaScript', withoutJavaScript]]) {
  const scripted = open === visitor;
  test(`by keyboard, ${name}`, async (t) => {
    const domain = scripted ? 'aldermoor.example' : 'beechwood.example';
    const at = await customer(scripted ? 'Aldermoor Dental' : 'Beechwood Dental', domain);
    const { page, problems } = await open(browser, world);
    page.setDefaultTimeout(PATIENCE_MS);
    await signIn(page, world.people[0]);
    let failed = false;
    for (const [what, act] of [['a role is made, changed and deleted', aRole],
      ['a file is looked over before some of it is imported', aFile],
      ['many users are changed and put back', manyUsers]]) {
      await t.test(what, { skip: failed && act === manyUsers }, async () => {
        try {
          await act(page, scripted, at, domain);
        } catch (error) {
          failed = true;
          error.message += `\nat ${page.url()}\n${await page.getByRole('main').ariaSnapshot().catch(() => '')}`;
          throw error;
        }
      });
    }
    assert.deepEqual(problems.filter((each) => !/status of 4\d\d/.test(each)), []);
    await page.context().close();
  });
}
