/** What a query answers, as it is on the wire. */
import type { QueryResult } from '../../agent/query/frame';
import type { Result } from '../../wire/answer';

export function plain({ frames, values: _, ...rest }: QueryResult): Result {
  return {
    ...rest,
    frames: Array.from(frames, ({ schema, values }) => ({
      schema,
      data: {
        values: values.map((column) =>
          'read' in column ? Array.from(column.read(), (value) => (Number.isNaN(value) ? null : value)) : [...column]
        ),
      },
    })),
  };
}
