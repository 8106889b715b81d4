// Somebody moves to another customer: every step by keyboard alone, once with JavaScript and once
// without, and each step as it is seen in light, dark and on a phone.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessibility, dress, launch, overflow, signIn, visitor, withoutJavaScript } from './browser.mjs';
import { demo } from './world.mjs';

const TABS = 400; // more stops than a page has

let browser;
let world;

before(async () => {
  [world, browser] = await Promise.all([demo(), launch()]);
});

after(async () => {
  await browser?.close();
  await world?.stop();
});

/** Goes from stop to stop until `wanted` has the focus. */
async function tabTo(page, wanted) {
  for (let stops = 0; stops < TABS; stops += 1) {
    if ((await wanted.and(page.locator(':focus')).count()) > 0) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`no way to ${wanted} by keyboard at ${page.url()}`);
}

async function press(page, wanted) {
  await tabTo(page, wanted);
  await page.keyboard.press('Enter');
}

for (const [name, open, place] of [
  ['with JavaScript', visitor, 3],
  ['without JavaScript', withoutJavaScript, 5],
]) {
  test(`moving a user by keyboard, ${name}`, async () => {
    const { page, problems } = await open(browser, world);
    const main = page.getByRole('main');
    const button = (text) => main.getByRole('button', { name: text, exact: true });
    const seen = async (count) => {
      await main.getByText(`Step ${count} of 5`).waitFor();
      assert.deepEqual(await overflow(page), []);
      if (open !== visitor) return;
      for (const mode of ['light', 'dark', 'phone', 'phone dark']) {
        await dress(page, mode);
        assert.deepEqual(await overflow(page), [], mode);
        assert.deepEqual(await accessibility(page), [], mode);
        if (process.env.SHOTS) {
          await page.screenshot({ path: `${process.env.SHOTS}/move-${count}-${mode.replace(' ', '-')}.png`, fullPage: true });
        }
      }
      await dress(page, 'light');
    };
    await signIn(page, world.people[0]);
    await page.goto('/customers?q=aldermoor');
    await main.getByRole('table').getByRole('link', { name: 'Aldermoor Dental' }).click();
    await main.getByRole('navigation').getByRole('link', { name: /^Users/ }).click();
    const somebody = main.getByRole('table').getByRole('link').filter({ hasText: /\w+ \w+/ }).nth(place);
    const person = (await somebody.textContent()).trim();
    await somebody.click();
    await main.getByRole('heading', { level: 1, name: person }).waitFor();
    const address = new URL(page.url()).pathname.replace(/^(\/users\/\d+).*/, '$1');

    await page.goto(`${address}/move`);
    await seen(1);
    await tabTo(page, main.getByRole('searchbox', { name: 'Customer' }));
    await page.keyboard.type('hollin');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=hollin/);
    await press(page, main.getByRole('link', { name: /^Choose/ }).first());

    await seen(2);
    const upn = main.getByLabel('Sign-in name', { exact: true });
    assert.match(await upn.inputValue(), /@hollinvet\.example$/);
    await tabTo(page, upn);
    await page.keyboard.press('End');
    await page.keyboard.type('.nowhere');
    await page.keyboard.press('Enter');
    await main.getByText('must end in one of hollinvet.example').first().waitFor();
    await tabTo(page, upn);
    await page.keyboard.press('End');
    for (const _ of '.nowhere') await page.keyboard.press('Backspace');
    await press(page, button('Next'));

    await main.getByText(/Step [34] of 5/).waitFor();
    if ((await main.getByText('Step 3 of 5').count()) > 0) {
      await seen(3);
      const groups = main.locator('fieldset');
      for (let each = 0; each < (await groups.count()); each += 1) {
        const group = groups.nth(each);
        if ((await group.getByRole('radio', { checked: true }).count()) > 0) continue;
        const ends = group.getByRole('radio', { name: 'Ends' });
        // A group that nothing is chosen of is entered at its first: from there to the last.
        await tabTo(page, group.getByRole('radio').first());
        await page.keyboard.press('Space');
        while (!(await ends.isChecked())) await page.keyboard.press('ArrowDown');
      }
      await press(page, button('Next'));
    }
    await seen(4);
    await press(page, button('Show the plan'));
    await seen(5);
    await press(page, button('Back'));
    await main.getByText('Step 4 of 5').waitFor();
    await press(page, button('Show the plan'));
    await main.getByText('Step 5 of 5').waitFor();
    await press(page, button('Move'));
    await page.getByText(/^Moved\./).first().waitFor();
    await main.getByRole('heading', { level: 1, name: person }).waitFor();
    await page.getByRole('link', { name: 'Hollin Veterinary Clinic' }).first().waitFor();
    assert.deepEqual(problems.filter((each) => !/status of 422/.test(each)), []);
    await page.context().close();
  });
}
