import { Migration } from '@mikro-orm/migrations';

export class Migration20261126012617_access extends Migration {

  override name = 'Migration20261126012617_access';

  override up(): void | Promise<void> {
    this.addSql(`create table "project_member" ("id" uuid not null, "organization_id" uuid not null, "project_id" uuid not null, "user_id" uuid not null, "role" varchar(16) not null, "created_at" timestamptz not null, primary key ("id"));`);
    this.addSql(`create index "project_member_organization_id_index" on "project_member" ("organization_id");`);
    this.addSql(`create index "project_member_user_id_index" on "project_member" ("user_id");`);
    this.addSql(`create index "project_member_project_id_id_index" on "project_member" ("project_id", "id");`);
    this.addSql(`alter table "project_member" add constraint "project_member_project_id_user_id_unique" unique ("project_id", "user_id");`);

    this.addSql(`create table "invitation" ("id" uuid not null, "organization_id" uuid not null, "email" varchar(254) not null, "email_key" varchar(254) not null, "role" varchar(16) not null, "invited_by_id" uuid not null, "created_at" timestamptz not null, "expires_at" timestamptz not null, "accepted_at" timestamptz null, "revoked_at" timestamptz null, primary key ("id"));`);
    this.addSql(`create index "invitation_email_key_index" on "invitation" ("email_key");`);
    this.addSql(`create index "invitation_expires_at_index" on "invitation" ("expires_at");`);
    this.addSql(`create index "invitation_organization_id_id_index" on "invitation" ("organization_id", "id");`);
    this.addSql(`create unique index "invitation_one_open_per_address" on "invitation" ("organization_id", "email_key") where "accepted_at" is null and "revoked_at" is null;`);

    this.addSql(`create table "api_key" ("id" uuid not null, "organization_id" uuid not null, "user_id" uuid not null, "name" varchar(80) not null, "prefix" varchar(16) not null, "secret_hash" varchar(64) not null, "previous_hash" varchar(64) null, "previous_until" timestamptz null, "permissions" jsonb not null, "created_at" timestamptz not null, "last_used_at" timestamptz null, "expires_at" timestamptz null, "rotated_at" timestamptz null, "revoked_at" timestamptz null, primary key ("id"));`);
    this.addSql(`alter table "api_key" add constraint "api_key_secret_hash_unique" unique ("secret_hash");`);
    this.addSql(`alter table "api_key" add constraint "api_key_previous_hash_unique" unique ("previous_hash");`);
    this.addSql(`create index "api_key_organization_id_user_id_id_index" on "api_key" ("organization_id", "user_id", "id");`);

    this.addSql(`create table "agent" ("id" uuid not null, "organization_id" uuid not null, "owner_id" uuid not null, "display_name" varchar(80) not null, "avatar_url" varchar(2048) null, "kind" varchar(16) not null, "trust_level" varchar(16) not null, "permissions" jsonb not null, "version" int not null default 1, "created_at" timestamptz not null, "updated_at" timestamptz not null, "disabled_at" timestamptz null, primary key ("id"));`);
    this.addSql(`create index "agent_organization_id_id_index" on "agent" ("organization_id", "id");`);
    this.addSql(`create index "agent_owner_id_id_index" on "agent" ("owner_id", "id");`);

    this.addSql(`create table "agent_token" ("id" uuid not null, "agent_id" uuid not null, "token_hash" varchar(64) not null, "created_at" timestamptz not null, "expires_at" timestamptz not null, primary key ("id"));`);
    this.addSql(`create index "agent_token_agent_id_index" on "agent_token" ("agent_id");`);
    this.addSql(`alter table "agent_token" add constraint "agent_token_token_hash_unique" unique ("token_hash");`);
    this.addSql(`create index "agent_token_expires_at_index" on "agent_token" ("expires_at");`);

    this.addSql(`alter table "project" drop constraint "project_created_by_id_foreign";`);

    this.addSql(`alter table "page" drop constraint "page_created_by_id_foreign";`);
    this.addSql(`alter table "page" drop constraint "page_updated_by_id_foreign";`);

    this.addSql(`alter table "block" drop constraint "block_created_by_id_foreign";`);
    this.addSql(`alter table "block" drop constraint "block_updated_by_id_foreign";`);

    this.addSql(`alter table "chat_session" drop constraint "chat_session_created_by_id_foreign";`);

    this.addSql(`alter table "message" drop constraint "message_author_id_foreign";`);

    this.addSql(`alter table "organization" add "tier" varchar(16) not null default 'FREE', add "settings" jsonb not null default '{}', add "agent_trust_limit" varchar(16) null default 'WRITE', add "version" int not null default 1;`);
    // For the rows there are; new ones say what they begin with.
    this.addSql(`alter table "organization" alter "settings" drop default, alter "agent_trust_limit" drop default;`);
    this.addSql(`alter table "organization" add constraint "organization_tier_check" check (tier in ('FREE', 'PRO', 'ENTERPRISE'));`);
    this.addSql(`alter table "organization" add constraint "organization_agent_trust_limit_check" check (agent_trust_limit in ('READ_ONLY', 'SUGGEST', 'WRITE'));`);

    this.addSql(`alter table "project" add "settings" jsonb not null default '{}', add "visibility" varchar(16) not null default 'ORGANIZATION', add "access_epoch" int not null default 0, add "archived_at" timestamptz null, add "deleted_at" timestamptz null;`);
    this.addSql(`alter table "project" alter "settings" drop default;`);
    this.addSql(`create index "project_deleted_at_index" on "project" ("deleted_at");`);
    this.addSql(`alter table "project" add constraint "project_visibility_check" check (visibility in ('ORGANIZATION', 'PRIVATE'));`);

    this.addSql(`alter table "user" add "is_platform_admin" boolean not null default false, add "suspended_at" timestamptz null;`);

    this.addSql(`alter table "project_member" add constraint "project_member_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
    this.addSql(`alter table "project_member" add constraint "project_member_project_id_foreign" foreign key ("project_id") references "project" ("id");`);
    this.addSql(`alter table "project_member" add constraint "project_member_user_id_foreign" foreign key ("user_id") references "user" ("id");`);
    this.addSql(`alter table "project_member" add constraint "project_member_role_check" check (role in ('OWNER', 'ADMIN', 'EDITOR', 'VIEWER'));`);

    this.addSql(`alter table "invitation" add constraint "invitation_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
    this.addSql(`alter table "invitation" add constraint "invitation_invited_by_id_foreign" foreign key ("invited_by_id") references "user" ("id");`);
    this.addSql(`alter table "invitation" add constraint "invitation_role_check" check (role in ('OWNER', 'ADMIN', 'EDITOR', 'VIEWER', 'GUEST'));`);

    this.addSql(`alter table "api_key" add constraint "api_key_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
    this.addSql(`alter table "api_key" add constraint "api_key_user_id_foreign" foreign key ("user_id") references "user" ("id");`);

    this.addSql(`alter table "agent" add constraint "agent_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
    this.addSql(`alter table "agent" add constraint "agent_owner_id_foreign" foreign key ("owner_id") references "user" ("id");`);
    this.addSql(`alter table "agent" add constraint "agent_kind_check" check (kind in ('CODEX_CLI', 'GEMINI_CLI', 'CLAUDE', 'CUSTOM'));`);
    this.addSql(`alter table "agent" add constraint "agent_trust_level_check" check (trust_level in ('READ_ONLY', 'SUGGEST', 'WRITE'));`);

    this.addSql(`alter table "agent_token" add constraint "agent_token_agent_id_foreign" foreign key ("agent_id") references "agent" ("id");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "agent_token" drop constraint "agent_token_agent_id_foreign";`);

    this.addSql(`drop table if exists "project_member" cascade;`);
    this.addSql(`drop table if exists "invitation" cascade;`);
    this.addSql(`drop table if exists "api_key" cascade;`);
    this.addSql(`drop table if exists "agent" cascade;`);
    this.addSql(`drop table if exists "agent_token" cascade;`);

    this.addSql(`alter table "block" add constraint "block_created_by_id_foreign" foreign key ("created_by_id") references "user" ("id");`);
    this.addSql(`alter table "block" add constraint "block_updated_by_id_foreign" foreign key ("updated_by_id") references "user" ("id");`);

    this.addSql(`alter table "chat_session" add constraint "chat_session_created_by_id_foreign" foreign key ("created_by_id") references "user" ("id");`);

    this.addSql(`alter table "message" add constraint "message_author_id_foreign" foreign key ("author_id") references "user" ("id") on delete set null;`);

    this.addSql(`alter table "organization" drop constraint "organization_tier_check";`);
    this.addSql(`alter table "organization" drop constraint "organization_agent_trust_limit_check";`);
    this.addSql(`alter table "organization" drop column "tier", drop column "settings", drop column "agent_trust_limit", drop column "version";`);

    this.addSql(`alter table "page" add constraint "page_created_by_id_foreign" foreign key ("created_by_id") references "user" ("id");`);
    this.addSql(`alter table "page" add constraint "page_updated_by_id_foreign" foreign key ("updated_by_id") references "user" ("id");`);

    this.addSql(`drop index "project_deleted_at_index";`);
    this.addSql(`alter table "project" drop constraint "project_visibility_check";`);
    this.addSql(`alter table "project" drop column "settings", drop column "visibility", drop column "access_epoch", drop column "archived_at", drop column "deleted_at";`);
    this.addSql(`alter table "project" add constraint "project_created_by_id_foreign" foreign key ("created_by_id") references "user" ("id");`);

    this.addSql(`alter table "user" drop column "is_platform_admin", drop column "suspended_at";`);
  }

}
