/**
 * A `QueryAnswer` as JSON, written while it is made: of a large answer only one result is in memory at a time, and no
 * other request waits for the whole of it to be written. (A serialiser made from the schema looks at every number of
 * every column, at three times the cost. The answer holds nothing but what the query made; a test compares it with the
 * schema.)
 */
import type { Frame, QueryAnswer, Result } from '../../wire/answer';

/** Handed on in pieces of at least this length. */
const CHUNK_LENGTH = 64 * 1024;

/**
 * @param results one for each name, in the same order
 * @param rest told when all results are there
 */
export async function* answerText(
  refIds: readonly string[],
  results: AsyncIterable<Result>,
  rest: () => Omit<QueryAnswer, 'results'>
): AsyncGenerator<string> {
  let text = '{"results":{';
  let index = 0;
  for await (const { frames, ...others } of results) {
    const textOf = writerOfFrames();
    text += `${index > 0 ? ',' : ''}${JSON.stringify(refIds[index++])}:{"frames":[`;
    for (const [position, frame] of frames.entries()) {
      text += (position > 0 ? ',' : '') + textOf(frame);
      if (text.length > CHUNK_LENGTH) {
        yield text;
        text = '';
      }
    }
    text += `]${members(others)}}`;
  }
  yield `${text}}${members(rest())}}`;
}

/** Frames as JSON. The lines of a chart have one column of times in common: it is written once and used again. */
function writerOfFrames(): (frame: Frame) => string {
  let times: readonly unknown[] | undefined;
  let timesText = '';
  return ({ schema, data: { values } }) => {
    if (values[0] !== times) {
      times = values[0];
      timesText = JSON.stringify(times);
    }
    let text = `{"schema":${JSON.stringify(schema)},"data":{"values":[`;
    // Added up rather than joined, which would copy all of it once more.
    for (let i = 0; i < values.length; i++) {
      text += i === 0 ? timesText : `,${JSON.stringify(values[i])}`;
    }
    return `${text}]}}`;
  };
}

/** `,"a":1,"b":2`; members without a value are left out. */
function members(object: object): string {
  const inner = JSON.stringify(object).slice(1, -1);
  return inner === '' ? '' : `,${inner}`;
}
