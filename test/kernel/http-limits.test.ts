/** What happens at each limit: the count is kept, or the loss is counted; nothing disappears. */
import { answer, HEAD_END, request } from '../support/http-text';
import { Stage } from '../support/stage';
import { sleep } from '../support/wait';

jest.setTimeout(60_000);

const STATUSES = Array.from({ length: 40 }, (_, i) => 400 + i);

test('more series than there is room for: the name is lost, the count is not', async () => {
  const stage = await Stage.open({ maxSeries: 16 });
  try {
    await stage.conversation(
      STATUSES.flatMap((status) => [{ receive: HEAD_END }, { send: answer(status) }]),
      STATUSES.flatMap(() => [{ send: request() }, { receive: HEAD_END }])
    );
    const totals = await stage.collector.settle();
    const all = (role: 'server' | 'client') => totals.value(`http_${role}_request_duration_seconds`) + 0;
    const losses = stage.collector.losses();
    expect(all('server') + all('client')).toBe(2 * STATUSES.length);
    expect(losses.recorded).toBe(2 * STATUSES.length);
    expect(losses.other).toBeGreaterThanOrEqual(2 * STATUSES.length - 16);
    stage.collector.expectNothingLost();
  } finally {
    await stage.close();
  }
});

test('seen = recorded + in flight at any moment, also while requests wait', async () => {
  const stage = await Stage.open();
  try {
    const port = await stage.server.listen([
      [{ receive: HEAD_END }, { pauseMs: 300 }, { send: answer(200) }, { receiveEnd: true }],
    ]);
    const asking = Array.from({ length: 5 }, () =>
      stage.client.connect(port, [{ send: request() }, { receive: HEAD_END }])
    );
    await sleep(150);
    expect(stage.collector.losses()).toMatchObject({ seen: 10, recorded: 0, in_flight: 10 });
    await Promise.all(asking);
    await stage.expectRequests({ 'GET 200': 5 });
    expect(stage.collector.losses()).toMatchObject({ seen: 10, recorded: 10, in_flight: 0 });
  } finally {
    await stage.close();
  }
});

test('traffic of cgroups beside the measured one is not counted', async () => {
  const [stage, beside] = [await Stage.open(), await Stage.open()];
  try {
    await beside.conversation(
      [{ receive: HEAD_END }, { send: answer(200) }],
      [{ send: request() }, { receive: HEAD_END }]
    );
    await beside.expectRequests({ 'GET 200': 1 });
    await stage.expectRequests({});
    expect(stage.collector.losses().seen).toBe(0);
  } finally {
    await stage.close();
    await beside.close();
  }
});
