import { ERRORS, WireError, isWireError, type ErrorCode } from '../../wire/errors';

const codes = Object.keys(ERRORS) as ErrorCode[];

describe('the table of errors', () => {
  it.each(codes)('%s has an HTTP status of an error, and says what to do', (code) => {
    const { status, help } = ERRORS[code];
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    expect(help).toMatch(/^[A-Z"].*\.$/);
  });
});

describe('an error on the wire', () => {
  it('has the status of its code and a body without what is not there', () => {
    const bare = new WireError('not_ready', 'The agent is still starting.');
    expect(bare.status).toBe(503);
    expect(JSON.stringify(bare.toBody())).toBe('{"code":"not_ready","message":"The agent is still starting."}');
    const detailed = new WireError('unknown_label', 'There is no label "pods".', {
      field: 'queries[0].by[0]',
      nearest: 'pod',
    });
    expect(detailed.toBody()).toEqual({
      code: 'unknown_label',
      message: 'There is no label "pods".',
      details: { field: 'queries[0].by[0]', nearest: 'pod' },
    });
  });

  it('is known by its name, whichever realm made it', () => {
    const foreign = Object.assign(new Error('from elsewhere'), { name: 'WireError' });
    expect(isWireError(new WireError('internal', 'A fault.'))).toBe(true);
    expect(isWireError(foreign)).toBe(true);
    expect(isWireError(new Error('another'))).toBe(false);
    expect(isWireError({ name: 'WireError' })).toBe(false);
    expect(isWireError(null)).toBe(false);
  });
});
