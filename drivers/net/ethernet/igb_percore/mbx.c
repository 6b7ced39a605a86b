// SPDX-License-Identifier: GPL-2.0
/*
 * The mailboxes between PF and VFs
 *
 * Beside the packet path; called by vf.c. Each VF shares 64 bytes of memory
 * with the PF, and a register each to take the memory and to ring. The memory
 * is the only one for both directions: what is written last is what is read.
 *
 *   VF                              PF
 *   takes it, writes, REQ  -------> takes it, reads, ACK    igbp_mbx_receive()
 *   waits for ACK, then STS <------ writes the answer, STS  igbp_mbx_answer()
 *   takes it, reads, ACK   -------> knows that it was read
 *   looks at it            <------- writes a word, STS      igbp_mbx_post()
 *
 * The stock driver of the VF looks at the first word again and again, to learn
 * whether the PF still talks to it (CTS). A word of the PF must not go over a
 * request that waits, so it is looked for first.
 *
 * A VF may hold the memory for as long as it likes. Nothing here waits for it.
 *
 * Locking: igbp_sriov.lock, which is taken in hard interrupts.
 */
#include "sriov.h"

/* Return: whether the memory is ours */
static bool igbp_mbx_lock(struct igbp_port *port, unsigned int vf)
{
	igbp_wr32(port, IGBP_P2VMAILBOX(vf), IGBP_P2V_PFU);
	return igbp_rd32(port, IGBP_P2VMAILBOX(vf)) & IGBP_P2V_PFU;
}

/**
 * igbp_mbx_release - give the memory back without a word
 * @port: port
 * @vf: whose mailbox
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_mbx_release(struct igbp_port *port, unsigned int vf)
{
	igbp_wr32(port, IGBP_P2VMAILBOX(vf), 0);
}

/**
 * igbp_mbx_receive - take a request out, and keep the memory for the answer
 * @port: port
 * @vf: VF that has rung
 * @msg: IGBP_MBX_WORDS words to fill in
 *
 * Context: any; igbp_sriov.lock held.
 * Return: false if the VF has taken the memory again instead of waiting; then
 * it gets no answer.
 */
bool igbp_mbx_receive(struct igbp_port *port, unsigned int vf, u32 *msg)
{
	unsigned int i;

	lockdep_assert_held(&port->sriov->lock);

	if (!igbp_mbx_lock(port, vf))
		return false;
	for (i = 0; i < IGBP_MBX_WORDS; i++)
		msg[i] = igbp_rd32(port, IGBP_VMBMEM(vf, i));
	igbp_wr32(port, IGBP_P2VMAILBOX(vf), IGBP_P2V_ACK | IGBP_P2V_PFU);
	return !igbp_port_is_absent(port);
}

/**
 * igbp_mbx_answer - answer the request that was received
 * @port: port
 * @vf: VF whose request igbp_mbx_receive() has returned
 * @msg: answer
 * @words: of it; the rest of the memory stays as the VF wrote it
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_mbx_answer(struct igbp_port *port, unsigned int vf, const u32 *msg,
		     unsigned int words)
{
	unsigned int i;

	lockdep_assert_held(&port->sriov->lock);

	for (i = 0; i < words; i++)
		igbp_wr32(port, IGBP_VMBMEM(vf, i), msg[i]);
	igbp_wr32(port, IGBP_P2VMAILBOX(vf), IGBP_P2V_STS);
}

/**
 * igbp_mbx_post - leave a word in the mailbox of a VF
 * @port: port
 * @vf: which
 * @msg: word
 * @raise: and ring
 *
 * Context: any; igbp_sriov.lock held.
 * Return: false if the VF has the memory, or a request of it is in there.
 */
bool igbp_mbx_post(struct igbp_port *port, unsigned int vf, u32 msg,
		   bool raise)
{
	lockdep_assert_held(&port->sriov->lock);

	if (!igbp_mbx_lock(port, vf))
		return false;
	if (igbp_rd32(port, IGBP_MBVFICR) & IGBP_MBVFICR_REQ(vf)) {
		igbp_mbx_release(port, vf);
		return false;
	}
	igbp_wr32(port, IGBP_VMBMEM(vf, 0), msg);
	igbp_wr32(port, IGBP_P2VMAILBOX(vf), raise ? IGBP_P2V_STS : 0);
	return true;
}

/**
 * igbp_mbx_take - take the memory from a VF that does not give it back
 * @port: port
 * @vf: which
 *
 * A request that is in there is lost with it.
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_mbx_take(struct igbp_port *port, unsigned int vf)
{
	lockdep_assert_held(&port->sriov->lock);

	igbp_wr32(port, IGBP_P2VMAILBOX(vf), IGBP_P2V_RVFU);
	igbp_wr32(port, IGBP_MBVFICR,
		  IGBP_MBVFICR_REQ(vf) | IGBP_MBVFICR_ACK(vf));
}
