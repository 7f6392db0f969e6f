import { afterAll, expect, test } from 'vitest'
import { SharedSession } from '../../src/platform/database/shared-session.ts'

// What connections see of it is tested through the socket, in embedded-postgres.test.ts.

const session = new SharedSession()
afterAll(() => session.close())

test('what changed is written to the tables’ files while nobody holds the session, and only then', {
  timeout: 120_000,
}, async () => {
  await session.exec('create table item (id int)')
  const lastCheckpoint = async () => (await session.query('select checkpoint_lsn from pg_control_checkpoint()')).rows[0]
  const before = await lastCheckpoint()
  for (const sql of ['begin', 'insert into item values (1)']) await sendAsClient(session, sql)
  session.checkpoint()
  await sendAsClient(session, 'commit')
  expect(await lastCheckpoint()).toEqual(before)
  session.checkpoint()
  expect(await lastCheckpoint()).not.toEqual(before)
})

/** A simple query, the way the socket server passes it on. */
async function sendAsClient(session: SharedSession, sql: string): Promise<void> {
  const message = Buffer.from(`Q\0\0\0\0${sql}\0`)
  message.writeInt32BE(message.length - 1, 1)
  await session.execProtocolRawStream(message, { onRawData: () => undefined })
}
