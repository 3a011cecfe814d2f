// A page in a browser, with an account of whatever a stranger's words set going in it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';

export interface Account {
  /** What the page said on the console, errors and refusals by its policy among it. */
  said: string[];
  /** Addresses that it asked for, the file itself left out. */
  asked: string[];
  /** Elements that no report makes, and attributes that run something. */
  foreign: string[];
  /** What a script of the stranger's would have set. */
  hacked: unknown;
}

export async function account(browser: Browser, file: string): Promise<Account> {
  const page = await browser.newPage();
  const [said, asked]: [string[], string[]] = [[], []];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  page.on('request', (request) => asked.push(request.url()));
  page.on('dialog', (dialog) => {
    said.push(dialog.message());
    void dialog.dismiss();
  });
  await page.goto(pathToFileURL(file).href);
  const foreign = await page.evaluate<string[]>(`[...document.querySelectorAll('*')].flatMap((element) => [
    ...(element.matches('img, iframe, object, embed, form, base, style:not(head > style), meta:not(head > meta), b, i, foreignObject, animate, set, script:not(body > script)') ? [element.outerHTML] : []),
    ...[...element.attributes].filter(({ name, value }) => name.startsWith('on') || /^\\s*javascript:/i.test(value)).map(({ name }) => name),
  ])`);
  const hacked = await page.evaluate('window.hacked');
  await page.close();
  return {
    said,
    asked: asked.filter((url) => !url.startsWith('file:') && !url.startsWith('data:')),
    foreign,
    hacked,
  };
}

/** A server of this machine that counts who asks it for something. */
export async function listener(): Promise<{ url: string; asked: string[] } & AsyncDisposable> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Markup that would run and call home wherever it came into a page. */
export const markupFor = (url: string): string =>
  `<script>window.hacked = 1; fetch('${url}/fetch')</script><img src="${url}/img" onerror="window.hacked = 2"><iframe src="${url}/frame"></iframe><link rel="stylesheet" href="${url}/style"><div style="background: url(${url}/background)">x</div>`;
