import { Migration } from '@mikro-orm/migrations';

export class Migration20261126073459_ocean extends Migration {

  override name = 'Migration20261126073459_ocean';

  override up(): void | Promise<void> {
    this.addSql(`create table "link" ("id" uuid not null, "organization_id" uuid not null, "source_block_id" uuid not null, "kind" varchar(8) not null, "target_id" uuid null, "url" varchar(2048) null, "in_text" boolean not null, "is_explicit" boolean not null, "created_by_id" uuid not null, "created_at" timestamptz not null, primary key ("id"));`);
    this.addSql(`create index "link_organization_id_target_id_index" on "link" ("organization_id", "target_id");`);
    this.addSql(`create unique index "link_target_unique" on "link" ("source_block_id", "kind", coalesce("target_id"::text, "url"));`);

    this.addSql(`create table "block_text" ("block_id" uuid not null, "organization_id" uuid not null, "state" bytea not null, "editors" jsonb not null, primary key ("block_id"));`);
    this.addSql(`create index "block_text_organization_id_index" on "block_text" ("organization_id");`);

    this.addSql(`create table "tag" ("id" uuid not null, "organization_id" uuid not null, "name" varchar(60) not null, "name_key" varchar(240) not null, "color" varchar(7) not null, "created_by_id" uuid not null, "version" int not null default 1, "created_at" timestamptz not null, "updated_at" timestamptz not null, primary key ("id"));`);
    this.addSql(`alter table "tag" add constraint "tag_organization_id_name_key_unique" unique ("organization_id", "name_key");`);

    this.addSql(`create table "page_tag" ("page_id" uuid not null, "tag_id" uuid not null, "organization_id" uuid not null, "created_at" timestamptz not null, primary key ("page_id", "tag_id"));`);
    this.addSql(`create index "page_tag_organization_id_index" on "page_tag" ("organization_id");`);
    this.addSql(`create index "page_tag_tag_id_page_id_index" on "page_tag" ("tag_id", "page_id");`);

    this.addSql(`alter table "block" drop constraint "block_page_id_foreign";`);

    this.addSql(`alter table "page" add "parent_id" uuid null, add "depth" smallint not null default 1, add "rank" text collate "C" null, add "cover_image" varchar(2048) null, add "language" varchar(35) null, add "archived_at" timestamptz null, add "archived_with_id" uuid null;`);
    // Pages that are there already stand in the order in which they were made: their ids have it, and are valid ranks.
    this.addSql(`update "page" set "rank" = 'a0' || replace("id"::text, '-', '') || '1';`);
    this.addSql(`alter table "page" alter column "rank" set not null;`);
    this.addSql(`alter table "page" add constraint "page_parent_id_foreign" foreign key ("parent_id") references "page" ("id") on delete cascade;`);
    this.addSql(`create index "page_parent_id_index" on "page" ("parent_id");`);
    this.addSql(`create index "page_archived_with_id_index" on "page" ("archived_with_id");`);
    this.addSql(`create index "page_organization_id_updated_at_id_index" on "page" ("organization_id", "updated_at", "id");`);
    this.addSql(`create unique index "page_sibling_rank_unique" on "page" ("organization_id", "project_id", "parent_id", "rank") nulls not distinct;`);
    this.addSql(`alter table "page" add constraint "page_depth_check" check (depth >= 1 and depth <= 32);`);

    this.addSql(`drop index "block_page_id_position_id_index";`);
    this.addSql(`alter table "block" add "parent_id" uuid null, add "depth" smallint not null default 1, add "content" jsonb not null default '{}', add "aside" jsonb not null default '{}', add "text_version" int not null default 1, add "is_linking_due" boolean not null default false;`);
    this.addSql(`alter table "block" alter column "content" drop default, alter column "aside" drop default;`);
    this.addSql(`alter table "block" add constraint "block_parent_id_foreign" foreign key ("parent_id") references "block" ("id") on delete cascade;`);
    this.addSql(`alter table "block" add constraint "block_page_id_foreign" foreign key ("page_id") references "page" ("id") on delete cascade;`);
    this.addSql(`create index "block_parent_id_index" on "block" ("parent_id");`);
    this.addSql(`alter table "block" add constraint "block_page_id_position_unique" unique ("page_id", "position");`);
    this.addSql(`alter table "block" add constraint "block_depth_check" check (depth >= 1 and depth <= 10);`);
    this.addSql(`alter table "block" add constraint "block_type_check" check (type in ('PARAGRAPH', 'HEADING_1', 'HEADING_2', 'HEADING_3', 'BULLETED_LIST', 'NUMBERED_LIST', 'TO_DO', 'TOGGLE', 'QUOTE', 'CALLOUT', 'CODE', 'DIVIDER', 'IMAGE', 'FILE', 'BOOKMARK', 'TABLE', 'EMBED'));`);

    this.addSql(`alter table "link" add constraint "link_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
    this.addSql(`alter table "link" add constraint "link_source_block_id_foreign" foreign key ("source_block_id") references "block" ("id") on delete cascade;`);
    this.addSql(`alter table "link" add constraint "link_kind_check" check (kind in ('PAGE', 'BLOCK', 'URL'));`);
    this.addSql(`alter table "link" add constraint "link_target_check" check ((kind = 'URL') = (url is not null) and (kind = 'URL') = (target_id is null));`);
    this.addSql(`alter table "link" add constraint "link_origin_check" check (in_text or is_explicit);`);

    this.addSql(`alter table "block_text" add constraint "block_text_block_id_foreign" foreign key ("block_id") references "block" ("id") on update cascade on delete cascade;`);
    this.addSql(`alter table "block_text" add constraint "block_text_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);

    this.addSql(`alter table "tag" add constraint "tag_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);

    this.addSql(`alter table "page_tag" add constraint "page_tag_page_id_foreign" foreign key ("page_id") references "page" ("id") on update cascade on delete cascade;`);
    this.addSql(`alter table "page_tag" add constraint "page_tag_tag_id_foreign" foreign key ("tag_id") references "tag" ("id") on update cascade on delete cascade;`);
    this.addSql(`alter table "page_tag" add constraint "page_tag_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "page_tag" drop constraint "page_tag_tag_id_foreign";`);

    this.addSql(`drop table if exists "link" cascade;`);
    this.addSql(`drop table if exists "block_text" cascade;`);
    this.addSql(`drop table if exists "tag" cascade;`);
    this.addSql(`drop table if exists "page_tag" cascade;`);

    this.addSql(`alter table "block" drop constraint "block_parent_id_foreign";`);
    this.addSql(`alter table "block" drop constraint "block_page_id_foreign";`);

    this.addSql(`alter table "page" drop constraint "page_parent_id_foreign";`);

    this.addSql(`drop index "block_parent_id_index";`);
    this.addSql(`alter table "block" drop constraint "block_page_id_position_unique";`);
    this.addSql(`alter table "block" drop constraint "block_depth_check";`);
    this.addSql(`alter table "block" drop constraint "block_type_check";`);
    this.addSql(`alter table "block" drop column "parent_id", drop column "depth", drop column "content", drop column "aside", drop column "text_version", drop column "is_linking_due";`);
    this.addSql(`alter table "block" add constraint "block_page_id_foreign" foreign key ("page_id") references "page" ("id");`);
    this.addSql(`create index "block_page_id_position_id_index" on "block" ("page_id", "position", "id");`);

    this.addSql(`drop index "page_parent_id_index";`);
    this.addSql(`drop index "page_archived_with_id_index";`);
    this.addSql(`drop index "page_organization_id_updated_at_id_index";`);
    this.addSql(`drop index "page_sibling_rank_unique";`);
    this.addSql(`alter table "page" drop constraint "page_depth_check";`);
    this.addSql(`alter table "page" drop column "parent_id", drop column "depth", drop column "rank", drop column "cover_image", drop column "language", drop column "archived_at", drop column "archived_with_id";`);
  }

}
