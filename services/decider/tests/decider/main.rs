//! Deciding and submitting, over a product that could not be smaller: tills with money in them.

mod crashes;
mod deciding;
mod dying;
mod halts;
mod looked_up;
mod replays;
mod rig;
mod sending;
mod submitting;
mod ticks;
mod till;
mod voiding;
mod went_back;
