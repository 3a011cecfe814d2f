import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/base/root.ts';
import report from '../../../src/report/sweep/formats/html.ts';
import type { SweepResult } from '../../../src/sweep/result.ts';
import { CHROMIUM, mayBeMissing } from '../../helpers/browser.ts';
import { ATTACKS, hostileSweep } from '../../helpers/hostile.ts';
import { account, listener, markupFor } from '../../helpers/stranger.ts';

const result = JSON.parse(readFileSync(join(packageRoot, 'test/fixtures/sweep/result.json'), 'utf8')) as SweepResult;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const CONTEXT = { columns: 120, color: false, folder: '.' };
const folder = mkdtempSync(join(tmpdir(), 'idlelab-test-page-'));
const file = join(folder, 'report.html');

describe.skipIf(CHROMIUM === undefined && mayBeMissing)('report.html of a sweep, in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    writeFileSync(file, await report.render(result, CONTEXT));
    browser = await chromium.launch({ executablePath: CHROMIUM as string, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(
    options: Parameters<Browser['newPage']>[0] = {},
  ): Promise<{ page: Page; said: string[]; asked: string[] }> {
    const page = await browser.newPage(options);
    const [said, asked]: [string[], string[]] = [[], []];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    return { page, said, asked };
  }

  it.each([400, 1600].flatMap((width) => (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme }))))(
    '$width wide and $colorScheme: no word on the console, nothing asked of a network, nothing sticks out, axe-core finds nothing',
    async ({ width, colorScheme }) => {
      const { page, said, asked } = await open({ viewport: { width, height: 900 }, colorScheme });
      expect(said).toEqual([]);
      expect(asked.filter((url) => !url.startsWith('file:') && !url.startsWith('data:'))).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      await page.evaluate(axe);
      const violations = await page.evaluate(`(async () => {
        for (const each of document.querySelectorAll('details')) each.open = true;
        const { violations } = await axe.run();
        return violations.map(({ id, nodes }) => id + ': ' + nodes[0].html);
      })()`);
      expect(violations).toEqual([]);
      await page.close();
    },
  );

  it('says the answer on top, and holds its data', async () => {
    const { page } = await open();
    expect(await page.textContent('#answer')).toBe(result.common?.sentence);
    const data = await page.evaluate<string>("document.querySelector('#result').textContent");
    expect(JSON.parse(data)).toEqual(result);
    await page.close();
  });

  it('narrows and sorts its table by keyboard', async () => {
    const { page } = await open();
    const rows = () => page.locator('#cells tbody tr:visible').count();
    const all = await rows();
    await page.fill('#filter', 'haproxy 340s');
    const some = await rows();
    expect([some > 0, some < all]).toEqual([true, true]);
    await page.fill('#filter', '');
    await page.selectOption('#state', 'holds');
    expect(await page.locator('#cells tbody tr:visible td.breaks').count()).toBe(0);
    await page.selectOption('#state', '');
    await page.locator('#cells thead th', { hasText: 'keepIdle' }).getByRole('button').focus();
    await page.keyboard.press('Enter');
    const values = await page
      .locator('#cells tbody tr td:nth-of-type(1)')
      .evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute('data-value'))));
    expect(values).toEqual([...values].sort((a, b) => a - b));
    await page.close();
  });

  it('shows one ladder at a time, the chosen one', async () => {
    const { page } = await open();
    expect(result.witnesses.length).toBeGreaterThan(1);
    expect(await page.locator('.ladder:visible').count()).toBe(1);
    await page.selectOption('#ladder-of', 'ladder-1');
    expect(await page.locator('#ladder-1').isVisible()).toBe(true);
    expect(await page.locator('#ladder-0').isVisible()).toBe(false);
    await page.close();
  });

  it('is whole without its script, and on paper', async () => {
    const { page } = await open({ javaScriptEnabled: false });
    expect(await page.locator('.ladder:visible').count()).toBe(result.witnesses.length);
    expect(await page.locator('#cells tbody tr').count()).toBe(result.cells.length);
    await page.close();
    const printed = await open();
    expect((await printed.page.pdf()).subarray(0, 5).toString()).toBe('%PDF-');
    await printed.page.close();
  });

  it.each(Object.entries(ATTACKS))('runs nothing and asks for nothing where every word is %s', async (name, attack) => {
    const file = join(folder, `${name}.html`);
    writeFileSync(file, await report.render(hostileSweep(attack), CONTEXT));
    expect(await account(browser, file)).toEqual({ said: [], asked: [], foreign: [], hacked: undefined });
  });

  it('has a policy that keeps markup from running and from the network, should any come in', async () => {
    await using home = await listener();
    const text = await report.render(result, CONTEXT);
    const [open, shut] = [join(folder, 'open.html'), join(folder, 'shut.html')];
    writeFileSync(shut, text.replace('</main>', `${markupFor(home.url)}</main>`));
    const { said, hacked } = await account(browser, shut);
    expect([hacked, home.asked]).toEqual([undefined, []]);
    expect(said.filter((each) => /Content Security Policy/.test(each)).length).toBeGreaterThan(3);
    // The same without the policy: the markup is as dangerous as it looks.
    const without = readFileSync(shut, 'utf8').replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '');
    writeFileSync(open, without);
    expect((await account(browser, open)).hacked).toBeDefined();
    expect(home.asked).toContain('/img');
  });
});
