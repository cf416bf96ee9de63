/**
 * A `QueryAnswer` as JSON, written while it is made: of a large answer only a part is in memory at a time, and no other
 * request waits for the whole of it to be written. (A serialiser made from the schema looks at every number of every
 * column, at three times the cost. The answer holds nothing but what the query made; a test compares it with the schema.)
 */
import type { QueryAnswer } from '../../wire/answer';
import type { Numbers, QueryFrame, QueryResult } from '../query/frame';
import { JsonWriter } from './json-writer';
import type { Pieces } from './pieces';

/**
 * @param results one for each name, in the same order
 * @param rest told when all results are there
 * @returns a short answer as it is; of a longer one nothing, but each piece of it was told. It is good until the next one is
 *   asked for
 */
export async function* answerText(
  refIds: readonly string[],
  results: AsyncIterable<QueryResult>,
  rest: () => Omit<QueryAnswer, 'results'>,
  pieces: Pieces
): AsyncGenerator<Buffer, Buffer | undefined> {
  const json = new JsonWriter(pieces).text('{"results":{');
  let isShort = true;
  let index = 0;
  for await (const { frames, values: _, ...others } of results) {
    json.text(`${index > 0 ? ',' : ''}${JSON.stringify(refIds[index++])}:{"frames":[`);
    const write = frameWriter(json);
    let separator = '';
    for (const frame of frames) {
      json.text(separator);
      separator = ',';
      write(frame);
      for (const piece of json.takeFull()) {
        isShort = false;
        yield piece;
        pieces.giveBack(piece);
      }
    }
    json.text(`]${members(others)}}`);
  }
  json.text(`}${members(rest())}}`);
  for (const piece of json.takeFull()) {
    isShort = false;
    yield piece;
    pieces.giveBack(piece);
  }
  const last = json.takeLast();
  const copy = isShort ? Buffer.from(last) : undefined;
  if (!isShort) {
    yield last;
  }
  pieces.giveBack(last);
  return copy;
}

/** Writes frames. The lines of a chart have one column of times in common, whose text is used again. */
function frameWriter(json: JsonWriter): (frame: QueryFrame) => void {
  let times: Numbers | undefined;
  let timesText: Buffer | undefined;
  return ({ schema, values }) => {
    json.text(`{"schema":${JSON.stringify(schema)},"data":{"values":[`);
    values.forEach((column, i) => {
      json.text(i > 0 ? ',' : '');
      if (!('read' in column)) {
        json.text(JSON.stringify(column));
      } else if (column === times) {
        timesText ??= Buffer.from(JSON.stringify([...column.read()]));
        json.bytes(timesText);
      } else {
        json.numbers(column.read());
        times = i === 0 ? column : times;
      }
    });
    json.text(']}}');
  };
}

/** `,"a":1,"b":2`; members without a value are left out. */
function members(object: object): string {
  const inner = JSON.stringify(object).slice(1, -1);
  return inner === '' ? '' : `,${inner}`;
}
