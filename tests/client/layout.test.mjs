import assert from "node:assert/strict";
import { test } from "node:test";

import { gridLayout, stageLayout } from "../../client_demo/layout.js";

const BOXES = [[1280, 700], [1920, 1000], [344, 560], [768, 900], [2560, 600], [360, 360]];

function inside(tile, width, height) {
  return tile.x >= -1 && tile.y >= -1 && tile.x + tile.width <= width + 1 && tile.y + tile.height <= height + 1;
}

function overlap(a, b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

test("1 to 25 tiles stay inside any box and never overlap", () => {
  for (const [width, height] of BOXES) {
    for (let count = 1; count <= 25; count += 1) {
      const { tiles } = gridLayout(count, width, height, 8);
      assert.equal(tiles.length, count);
      tiles.forEach((tile, index) => {
        assert.ok(inside(tile, width, height), `${count} in ${width}x${height}: ${JSON.stringify(tile)}`);
        assert.ok(tiles.slice(index + 1).every((other) => !overlap(tile, other)));
      });
    }
  }
});

test("tiles of a grid have one size and a sane shape", () => {
  for (const [width, height] of BOXES) {
    for (let count = 1; count <= 25; count += 1) {
      const { tiles } = gridLayout(count, width, height, 8);
      assert.equal(new Set(tiles.map((tile) => `${tile.width}x${tile.height}`)).size, 1);
      const ratio = tiles[0].width / tiles[0].height;
      assert.ok(ratio > 0.7 && ratio < 1.82, `ratio ${ratio}`);
    }
  }
});

test("common sizes get the columns that one expects", () => {
  assert.equal(gridLayout(1, 1280, 700, 8).columns, 1);
  assert.equal(gridLayout(2, 1280, 700, 8).columns, 2);
  assert.equal(gridLayout(4, 1280, 700, 8).columns, 2);
  assert.equal(gridLayout(9, 1280, 700, 8).columns, 3);
  assert.equal(gridLayout(25, 1280, 700, 8).columns, 5);
  assert.equal(gridLayout(2, 344, 600, 8).columns, 1);
});

test("the last row is centred", () => {
  const { tiles } = gridLayout(5, 1280, 700, 8);
  const last = tiles.at(-1);
  const row = tiles.filter((tile) => tile.y === last.y);
  const left = Math.min(...row.map((tile) => tile.x));
  const right = Math.max(...row.map((tile) => tile.x + tile.width));
  assert.ok(Math.abs(left - (1280 - right)) <= 2);
});

test("nothing fits into nothing", () => {
  assert.deepEqual(gridLayout(0, 100, 100, 8).tiles, []);
  assert.deepEqual(gridLayout(3, 0, 100, 8).tiles, []);
});

test("a stage keeps its strip inside and beside or under it", () => {
  for (const [width, height] of BOXES) {
    for (const count of [0, 1, 3, 8, 30]) {
      const { stage, tiles, shown } = stageLayout(count, width, height, 8);
      assert.equal(tiles.length, shown);
      assert.ok(shown <= count && (count === 0 || shown >= 1));
      assert.ok(inside(stage, width, height) && stage.width > 0 && stage.height > 0);
      for (const tile of tiles) assert.ok(inside(tile, width, height) && !overlap(tile, stage));
    }
  }
});
