/** Sends an answer that is made piece by piece. A stream would not say when a piece may be used for what comes next. */
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/**
 * Until the last byte is with the kernel, or the reader is gone; then nothing more is asked for.
 *
 * @param first what `pieces` told first
 * @param pieces each is good until the next one is asked for
 */
export async function sendPieces(
  reply: FastifyReply,
  first: IteratorResult<Buffer>,
  pieces: AsyncGenerator<Buffer>
): Promise<void> {
  reply.hijack();
  const { raw, log } = reply;
  try {
    raw.writeHead(reply.statusCode, reply.getHeaders() as Record<string, string>);
    for (let next = first; !next.done; next = await pieces.next()) {
      if (!(await written(raw, next.value))) {
        return;
      }
    }
    raw.end();
  } catch (error) {
    // A part of it is sent: that the rest does not come is all that can be said.
    log.error({ err: error }, 'an answer broke off');
    raw.destroy();
  } finally {
    await pieces.return(undefined);
  }
}

/** Waits until a piece is not needed any more. @returns false: nobody is there to read it */
function written(raw: ServerResponse, piece: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const gone = () => resolve(false);
    raw.once('close', gone);
    raw.write(piece, (error) => {
      raw.off('close', gone);
      resolve(!error);
    });
  });
}
