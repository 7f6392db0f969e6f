import { Agent, AgentToken } from './modules/accounts/agents/agent.entity.ts'
import { DeviceSession } from './modules/accounts/devices/device-session.entity.ts'
import { LoginFailure } from './modules/accounts/guessing/login-failure.entity.ts'
import { Invitation } from './modules/accounts/invitations/invitation.entity.ts'
import { ApiKey } from './modules/accounts/keys/api-key.entity.ts'
import { Membership } from './modules/accounts/memberships/membership.entity.ts'
import { Organization } from './modules/accounts/organizations/organization.entity.ts'
import { User } from './modules/accounts/users/user.entity.ts'
import { OneTimeToken } from './modules/accounts/verification/one-time-token.entity.ts'
import { Registration } from './modules/accounts/verification/registration.entity.ts'
import { AuditEvent } from './modules/audit/audit-event.entity.ts'
import { AuditHead, AuditPending, AuditSeal } from './modules/audit/chain.entity.ts'
import { Message } from './modules/chat/messages/message.entity.ts'
import { SearchChunk, SearchVector } from './modules/chat/search/search-chunk.entity.ts'
import { SearchText, SearchWord } from './modules/chat/search/search-text.entity.ts'
import { ChatParticipant, ChatSession } from './modules/chat/sessions/chat-session.entity.ts'
import { ToolCall } from './modules/chat/tools/tool-call.entity.ts'
import { Block } from './modules/ocean/blocks/block.entity.ts'
import { BlockText } from './modules/ocean/blocks/block-text.entity.ts'
import { Link } from './modules/ocean/links/link.entity.ts'
import { Page } from './modules/ocean/pages/page.entity.ts'
import { PageTag, Tag } from './modules/ocean/tags/tag.entity.ts'
import { Project, ProjectMember } from './modules/projects/project.entity.ts'
import { Charge } from './modules/usage/charges/charge.entity.ts'
import { CreditBalance } from './modules/usage/credits/credit-balance.entity.ts'
import { CreditEntry } from './modules/usage/credits/credit-entry.entity.ts'
import { ChannelEvent, ChannelHead } from './platform/channels/channel.entity.ts'
import { SigningKey } from './platform/crypto/signing-key.entity.ts'
import { TextChange } from './platform/database/text-change.entity.ts'
import { IdempotencyKey } from './platform/idempotency-key.entity.ts'

/** Every table there is; a new entity is added here and gets a migration. */
export const entities = [
  ChannelHead,
  ChannelEvent,
  SigningKey,
  IdempotencyKey,
  TextChange,
  AuditEvent,
  AuditPending,
  AuditSeal,
  AuditHead,
  User,
  Organization,
  Membership,
  DeviceSession,
  LoginFailure,
  Registration,
  OneTimeToken,
  Invitation,
  ApiKey,
  Agent,
  AgentToken,
  Project,
  ProjectMember,
  CreditBalance,
  CreditEntry,
  Charge,
  Page,
  Block,
  BlockText,
  Link,
  Tag,
  PageTag,
  ChatSession,
  ChatParticipant,
  Message,
  ToolCall,
  SearchText,
  SearchWord,
  SearchChunk,
  SearchVector,
]
