import { NIL } from 'uuid'
import { z } from 'zod'
import type { Context } from '../../../platform/context.ts'

const deviceTokenSchema = z.object({ did: z.uuid() })

/** The id inside a device token, or null for anything that is none of ours. */
export async function deviceIn({ platform }: Context, deviceToken: string | null): Promise<string | null> {
  if (deviceToken === null) return null
  return deviceTokenSchema.safeParse(await platform.deviceBox.open(deviceToken)).data?.did ?? null
}

/** What a device keeps to be known again. It opens nothing by itself. */
export function deviceToken({ platform }: Context, deviceId: string): Promise<string> {
  return platform.deviceBox.seal({ did: deviceId })
}

/** A token from the caller's cookies, which count only where no other site can have sent the request. */
export function cookieOf({ cookies }: Context, name: 'refresh' | 'device'): string | null {
  return cookies?.mayWrite === true ? cookies.read(name) : null
}

/** Whether somebody has ever signed in to this account on this device; takes as long for an account that is none. */
export async function isKnownDevice({ platform }: Context, userId: string | null, deviceId: string): Promise<boolean> {
  const row = await platform.database.unscoped
    .selectFrom('device_session')
    .select('id')
    .where('user_id', '=', userId ?? NIL)
    .where('device_id', '=', deviceId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Who trades a refresh token, as far as clients can be told apart: by their device token, or else by their User-Agent.
 * A thief who has the refresh token alone is another.
 */
export function traderOf({ request }: Context, deviceId: string | null): string {
  return deviceId === null ? `agent:${userAgentOf({ request }) ?? ''}` : `device:${deviceId}`
}

/** As much of the caller's User-Agent as a session keeps. */
export function userAgentOf({ request }: Pick<Context, 'request'>): string | null {
  return request.userAgent?.slice(0, 512) ?? null
}
