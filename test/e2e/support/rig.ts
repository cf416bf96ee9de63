/** All of Ringside at once: the agent on the live kernel, the demo shop's real traffic, the preview and a browser. */
import { startShop, type Shop } from '../../../demo/shop';
import { startPreview, type Preview } from '../../../preview/server';
import { requireKernel } from '../../support/requirements';
import { until } from '../../support/wait';
import { TestAgent } from './agent';
import { TestBrowser } from './browser';

export class Rig {
  private constructor(
    public agent: TestAgent,
    readonly shop: Shop,
    readonly preview: Preview,
    readonly browser: TestBrowser
  ) {}

  /** With traffic that has been answered for already. */
  static async start(): Promise<Rig> {
    requireKernel();
    let agent: TestAgent | undefined;
    const shop = await startShop({
      prepare: async (cgroup) => {
        agent = await TestAgent.start(cgroup);
      },
    });
    const preview = await startPreview({ agentUrl: agent!.url, listen: '127.0.0.1:0' });
    const rig = new Rig(agent!, shop, preview, await TestBrowser.launch());
    await rig.untilServicesAreSeen();
    return rig;
  }

  /** The value that the label `cgroup` has for one of the shop's services. */
  cgroupOf(service: 'frontend' | 'catalog' | 'payments' | 'load'): string {
    return `/${this.shop.cgroup.split('/').at(-1)}/${service}`;
  }

  /** A new agent in the place of one that has gone. */
  async restartAgent(port: number): Promise<void> {
    this.agent = await TestAgent.start(this.shop.cgroup, [], port);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.preview.close();
    await this.agent.stop();
    await this.shop.stop();
  }

  private async untilServicesAreSeen(): Promise<void> {
    const wanted = (['frontend', 'catalog', 'payments'] as const).map((service) => this.cgroupOf(service));
    await until(
      `all services of the shop to be seen by the agent`,
      async () => {
        const answer = await fetch(
          `${this.agent.url}/api/v1/labels/cgroup/values?metric=http_server_request_duration_seconds`
        );
        const { values } = (await answer.json()) as { values: string[] };
        return wanted.every((cgroup) => values.includes(cgroup));
      },
      { timeoutMs: 20_000, everyMs: 100 }
    );
  }
}
