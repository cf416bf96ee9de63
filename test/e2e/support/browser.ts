/** A real browser. Whatever a page complains about on its console fails the test that opened it. */
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { requireProgram } from '../../support/requirements';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];
/** A busy machine with two processors draws a page of panels in about a second. */
const PATIENCE_MS = 15_000;

export class TestBrowser {
  readonly #contexts: BrowserContext[] = [];
  #complaints: string[] = [];

  private constructor(readonly browser: Browser) {}

  static async launch(): Promise<TestBrowser> {
    const executablePath = requireProgram('/usr/bin/chromium', 'chromium');
    return new TestBrowser(await chromium.launch({ executablePath, args: FLAGS }));
  }

  async open(url: string): Promise<Page> {
    const context = await this.browser.newContext({ viewport: { width: 1600, height: 1000 }, timezoneId: 'UTC' });
    this.#contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') {
        this.#complaints.push(`${message.text()} (${message.location().url})`);
      }
    });
    page.on('pageerror', (error) => this.#complaints.push(error.stack ?? error.message));
    await page.goto(url);
    return page;
  }

  /**
   * Closes what the test opened.
   *
   * @param expected what the test itself brought about, such as the browser's own words about a request that failed
   */
  async closePages(expected: RegExp[] = []): Promise<void> {
    await Promise.all(this.#contexts.splice(0).map((context) => context.close()));
    const complaints = this.#complaints.filter((complaint) => !expected.some((pattern) => pattern.test(complaint)));
    this.#complaints = [];
    expect(complaints).toEqual([]);
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}

/** How the browser words an answer with this status on its console. */
export function failedRequest(...statuses: number[]): RegExp {
  return new RegExp(`^Failed to load resource: the server responded with a status of (${statuses.join('|')}) `);
}
